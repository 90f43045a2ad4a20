package io.github.lomit_tf.demo.desktop;

import com.sun.jna.Library;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.ptr.PointerByReference;

/** What is used of LiteRT's C API (2.3), in the ai-edge-litert wheel's libLiteRt.so. All give 0 for success. */
interface LiteRt extends Library {
    int CPU = 1;
    int LOCK_READ = 0;
    int LOCK_WRITE = 1;
    int FLOAT32 = 1;

    int LiteRtCreateEnvironment(int count, Pointer options, PointerByReference environment);

    int LiteRtCreateModelFromFile(Pointer environment, String file, PointerByReference model);

    int LiteRtCreateOptions(PointerByReference options);

    int LiteRtSetOptionsHardwareAccelerators(Pointer options, int accelerators);

    int LiteRtCreateCompiledModel(Pointer environment, Pointer model, Pointer options, PointerByReference compiled);

    int LiteRtGetModelSignature(Pointer model, NativeLong index, PointerByReference signature);

    int LiteRtGetSignatureKey(Pointer signature, PointerByReference key);

    int LiteRtGetNumSignatureInputs(Pointer signature, PointerByReference count);

    int LiteRtGetSignatureInputName(Pointer signature, NativeLong index, PointerByReference name);

    int LiteRtGetSignatureInputTensorByIndex(Pointer signature, NativeLong index, PointerByReference tensor);

    int LiteRtGetNumSignatureOutputs(Pointer signature, PointerByReference count);

    int LiteRtGetSignatureOutputName(Pointer signature, NativeLong index, PointerByReference name);

    int LiteRtGetSignatureOutputTensorByIndex(Pointer signature, NativeLong index, PointerByReference tensor);

    int LiteRtGetRankedTensorType(Pointer tensor, Pointer type);

    int LiteRtGetCompiledModelInputBufferRequirements(Pointer compiled, NativeLong signature, NativeLong input,
            PointerByReference requirements);

    int LiteRtGetCompiledModelOutputBufferRequirements(Pointer compiled, NativeLong signature, NativeLong output,
            PointerByReference requirements);

    int LiteRtCreateManagedTensorBufferFromRequirements(Pointer environment, Pointer type, Pointer requirements,
            PointerByReference buffer);

    int LiteRtLockTensorBuffer(Pointer buffer, PointerByReference memory, int mode);

    int LiteRtUnlockTensorBuffer(Pointer buffer);

    int LiteRtRunCompiledModel(Pointer compiled, NativeLong signature, NativeLong inputs, Pointer[] inputBuffers,
            NativeLong outputs, Pointer[] outputBuffers);
}
