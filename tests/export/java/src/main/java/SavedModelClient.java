import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import org.tensorflow.Result;
import org.tensorflow.SavedModelBundle;
import org.tensorflow.Tensor;
import org.tensorflow.ndarray.FloatNdArray;
import org.tensorflow.ndarray.NdArrays;
import org.tensorflow.ndarray.Shape;
import org.tensorflow.ndarray.buffer.DataBuffers;
import org.tensorflow.types.TFloat32;
import org.tensorflow.types.TString;

/**
 * Calls one signature of a SavedModel: SavedModelClient MODEL SIGNATURE OUT NAME=FILE...
 *
 * <p>NAME_bytes=FILE feeds the file's bytes as one encoded image; NAME=FILE:2x64x64x3 feeds little-endian floats of that
 * shape. Each output is written to OUT/NAME, floats as little-endian, strings as their bytes (of a batch of one).
 */
public final class SavedModelClient {
  public static void main(String[] arguments) throws Exception {
    try (SavedModelBundle model = SavedModelBundle.load(arguments[0], "serve")) {
      Map<String, Tensor> feed = new LinkedHashMap<>();
      for (int i = 3; i < arguments.length; i++) {
        String[] pair = arguments[i].split("=", 2);
        feed.put(pair[0], pair[0].endsWith("_bytes") ? encoded(pair[1]) : floats(pair[1]));
      }
      try (Result result = model.function(arguments[1]).call(feed)) {
        for (Map.Entry<String, Tensor> output : result) {
          write(Path.of(arguments[2], output.getKey()), output.getValue());
          System.out.println(output.getKey() + " " + output.getValue().shape());
        }
      }
    }
  }

  private static Tensor encoded(String file) throws Exception {
    byte[] bytes = Files.readAllBytes(Path.of(file));
    return TString.tensorOfBytes(NdArrays.vectorOfObjects(bytes));
  }

  private static Tensor floats(String specification) throws Exception {
    int colon = specification.lastIndexOf(':');
    String[] sizes = specification.substring(colon + 1).split("x");
    long[] shape = new long[sizes.length];
    for (int i = 0; i < sizes.length; i++) {
      shape[i] = Long.parseLong(sizes[i]);
    }
    ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(specification.substring(0, colon))));
    float[] values = new float[bytes.capacity() / Float.BYTES];
    bytes.order(ByteOrder.LITTLE_ENDIAN).asFloatBuffer().get(values);
    return TFloat32.tensorOf(Shape.of(shape), DataBuffers.of(values));
  }

  private static void write(Path path, Tensor tensor) throws Exception {
    if (tensor instanceof TString strings) {
      Files.write(path, strings.asBytes().getObject(0));
      return;
    }
    ByteBuffer bytes = ByteBuffer.allocate((int) tensor.numBytes()).order(ByteOrder.LITTLE_ENDIAN);
    FloatNdArray array = (TFloat32) tensor;
    array.scalars().forEach(value -> bytes.putFloat(value.getFloat()));
    Files.write(path, bytes.array());
  }
}
