package io.github.lomit_tf.demo.desktop;

import com.sun.jna.Memory;
import com.sun.jna.Native;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.TensorNetwork;
import java.io.File;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * A TFLite file run by LiteRT on this machine's CPU: the app's core without Android. For tests: what it allocates lives
 * as long as the process.
 */
public final class LiteRtNetwork extends TensorNetwork {
    private static final NativeLong FIRST = new NativeLong(0);
    private static final int TYPE_BYTES = 128; // LiteRtRankedTensorType has 72: element type, rank, 8 dimensions, strides

    private final LiteRt litert;
    private final Pointer environment;
    private final Pointer compiled;
    private final Pointer[] inputBuffers;
    private final Pointer[] outputBuffers;

    /**
     * @param library libLiteRt.so of the ai-edge-litert wheel.
     * @throws DemoException MODEL_UNUSABLE for a file that is no model.
     */
    public LiteRtNetwork(File library, File model) throws DemoException {
        litert = Native.load(library.getPath(), LiteRt.class);
        PointerByReference out = new PointerByReference();
        check("environment", litert.LiteRtCreateEnvironment(0, null, out));
        environment = out.getValue();
        check(model.getPath(), litert.LiteRtCreateModelFromFile(environment, model.getPath(), out));
        Pointer loaded = out.getValue();
        check("options", litert.LiteRtCreateOptions(out));
        Pointer options = out.getValue();
        check("options", litert.LiteRtSetOptionsHardwareAccelerators(options, LiteRt.CPU));
        check(model.getPath(), litert.LiteRtCreateCompiledModel(environment, loaded, options, out));
        compiled = out.getValue();
        check("signature", litert.LiteRtGetModelSignature(loaded, FIRST, out));
        Pointer signature = out.getValue();
        check("inputs", litert.LiteRtGetNumSignatureInputs(signature, out));
        inputBuffers = new Pointer[(int) Pointer.nativeValue(out.getValue())];
        check("outputs", litert.LiteRtGetNumSignatureOutputs(signature, out));
        outputBuffers = new Pointer[(int) Pointer.nativeValue(out.getValue())];
        for (int i = 0; i < inputBuffers.length; i++) {
            inputBuffers[i] = bound(true, signature, new NativeLong(i));
        }
        for (int i = 0; i < outputBuffers.length; i++) {
            outputBuffers[i] = bound(false, signature, new NativeLong(i));
        }
    }

    /** Lists an input or else an output of the model. @return its buffer. */
    private Pointer bound(boolean input, Pointer signature, NativeLong index) throws DemoException {
        PointerByReference out = new PointerByReference();
        check("name", input ? litert.LiteRtGetSignatureInputName(signature, index, out)
                : litert.LiteRtGetSignatureOutputName(signature, index, out));
        String name = out.getValue().getString(0);
        check(name, input ? litert.LiteRtGetSignatureInputTensorByIndex(signature, index, out)
                : litert.LiteRtGetSignatureOutputTensorByIndex(signature, index, out));
        Memory type = add(name, out.getValue(), input ? inputs : outputs);
        check(name, input ? litert.LiteRtGetCompiledModelInputBufferRequirements(compiled, FIRST, index, out)
                : litert.LiteRtGetCompiledModelOutputBufferRequirements(compiled, FIRST, index, out));
        check(name, litert.LiteRtCreateManagedTensorBufferFromRequirements(environment, type, out.getValue(), out));
        return out.getValue();
    }

    private static void check(String what, int status) throws DemoException {
        if (status != 0) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, what + ": LiteRT says " + status);
        }
    }

    /** Adds a tensor to a list. @return its LiteRtRankedTensorType. */
    private Memory add(String name, Pointer tensor, List<Tensor> tensors) throws DemoException {
        Memory type = new Memory(TYPE_BYTES);
        type.clear();
        check(name, litert.LiteRtGetRankedTensorType(tensor, type));
        if (type.getInt(0) != LiteRt.FLOAT32) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, name + " is not float32");
        }
        int rank = type.getInt(4) & 127; // a bit field: 7 bits of rank, one for strides
        tensors.add(new Tensor(name, type.getIntArray(8, rank)));
        return type;
    }

    @Override
    public Map<String, float[]> run(Map<String, float[]> feed) throws DemoException {
        PointerByReference memory = new PointerByReference();
        for (int i = 0; i < inputBuffers.length; i++) {
            String name = inputs.get(i).name;
            float[] values = feed.get(name);
            if (values == null || values.length != inputs.get(i).size()) {
                throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, "no values for " + inputs.get(i));
            }
            check(name, litert.LiteRtLockTensorBuffer(inputBuffers[i], memory, LiteRt.LOCK_WRITE));
            memory.getValue().write(0, values, 0, values.length);
            check(name, litert.LiteRtUnlockTensorBuffer(inputBuffers[i]));
        }
        check("run", litert.LiteRtRunCompiledModel(compiled, FIRST, new NativeLong(inputBuffers.length), inputBuffers,
                new NativeLong(outputBuffers.length), outputBuffers));
        Map<String, float[]> made = new HashMap<String, float[]>();
        for (int i = 0; i < outputBuffers.length; i++) {
            Tensor tensor = outputs.get(i);
            check(tensor.name, litert.LiteRtLockTensorBuffer(outputBuffers[i], memory, LiteRt.LOCK_READ));
            made.put(tensor.name, memory.getValue().getFloatArray(0, tensor.size()));
            check(tensor.name, litert.LiteRtUnlockTensorBuffer(outputBuffers[i]));
        }
        return made;
    }
}
