package io.github.lomit_tf.demo;

import android.content.res.AssetFileDescriptor;
import android.content.res.AssetManager;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.TensorNetwork;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.FloatBuffer;
import java.nio.channels.FileChannel;
import java.util.HashMap;
import java.util.Map;
import org.tensorflow.lite.Interpreter;

/** A model file of the assets, run by TensorFlow Lite on the CPU. */
final class TfliteNetwork extends TensorNetwork {
    private static final String SIGNATURE = "serving_default";
    private static final int THREADS = 4;

    private final Interpreter interpreter;
    private final boolean signed;

    /** @throws DemoException MODEL_UNUSABLE if the file lacks, is damaged, or the runtime has no library here. */
    TfliteNetwork(AssetManager assets, String name) throws DemoException {
        try {
            interpreter = new Interpreter(mapped(assets, name), new Interpreter.Options().setNumThreads(THREADS));
            signed = interpreter.getSignatureKeys().length > 0;
            if (signed) {
                for (String tensor : interpreter.getSignatureInputs(SIGNATURE)) {
                    inputs.add(new Tensor(tensor, interpreter.getInputTensorFromSignature(tensor, SIGNATURE).shape()));
                }
                for (String tensor : interpreter.getSignatureOutputs(SIGNATURE)) {
                    outputs.add(new Tensor(tensor, interpreter.getOutputTensorFromSignature(tensor, SIGNATURE).shape()));
                }
            } else { // the face detector's: tensors by their own names
                for (int i = 0; i < interpreter.getInputTensorCount(); i++) {
                    inputs.add(new Tensor(interpreter.getInputTensor(i).name(), interpreter.getInputTensor(i).shape()));
                }
                for (int i = 0; i < interpreter.getOutputTensorCount(); i++) {
                    outputs.add(new Tensor(interpreter.getOutputTensor(i).name(), interpreter.getOutputTensor(i).shape()));
                }
            }
        } catch (IOException | RuntimeException | LinkageError e) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, name + ": " + e.getMessage(), e);
        }
    }

    private static ByteBuffer mapped(AssetManager assets, String name) throws IOException {
        try (AssetFileDescriptor file = assets.openFd(name);
                FileInputStream stream = new FileInputStream(file.getFileDescriptor())) {
            return stream.getChannel().map(FileChannel.MapMode.READ_ONLY, file.getStartOffset(), file.getLength());
        }
    }

    @Override
    public Map<String, float[]> run(Map<String, float[]> feed) throws DemoException {
        Map<String, Object> given = new HashMap<String, Object>();
        for (Map.Entry<String, float[]> entry : feed.entrySet()) {
            FloatBuffer buffer = floats(entry.getValue().length);
            buffer.put(entry.getValue()).rewind();
            given.put(entry.getKey(), buffer);
        }
        Map<String, Object> buffers = new HashMap<String, Object>();
        for (Tensor tensor : outputs) {
            buffers.put(tensor.name, floats(tensor.size()));
        }
        try {
            if (signed) {
                interpreter.runSignature(given, buffers, SIGNATURE);
            } else {
                Object[] inOrder = new Object[inputs.size()];
                for (int i = 0; i < inOrder.length; i++) {
                    inOrder[i] = given.get(inputs.get(i).name);
                }
                Map<Integer, Object> byPlace = new HashMap<Integer, Object>();
                for (int i = 0; i < outputs.size(); i++) {
                    byPlace.put(i, buffers.get(outputs.get(i).name));
                }
                interpreter.runForMultipleInputsOutputs(inOrder, byPlace);
            }
        } catch (RuntimeException e) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, String.valueOf(e.getMessage()), e);
        }
        Map<String, float[]> made = new HashMap<String, float[]>();
        for (Map.Entry<String, Object> entry : buffers.entrySet()) {
            FloatBuffer buffer = (FloatBuffer) entry.getValue();
            buffer.rewind();
            float[] values = new float[buffer.remaining()];
            buffer.get(values);
            made.put(entry.getKey(), values);
        }
        return made;
    }

    private static FloatBuffer floats(int length) {
        return ByteBuffer.allocateDirect(4 * length).order(ByteOrder.nativeOrder()).asFloatBuffer();
    }
}
