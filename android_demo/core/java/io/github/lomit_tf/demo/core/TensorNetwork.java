package io.github.lomit_tf.demo.core;

import java.util.ArrayList;
import java.util.List;

/** A network whose tensors are known once it is open. */
public abstract class TensorNetwork implements Network {
    protected final List<Tensor> inputs = new ArrayList<Tensor>();
    protected final List<Tensor> outputs = new ArrayList<Tensor>();

    @Override
    public final List<Tensor> inputs() {
        return inputs;
    }

    @Override
    public final List<Tensor> outputs() {
        return outputs;
    }
}
