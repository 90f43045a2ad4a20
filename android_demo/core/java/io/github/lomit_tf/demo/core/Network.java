package io.github.lomit_tf.demo.core;

import java.util.List;
import java.util.Map;

/** One model file, run by some runtime. Tensors are float32 and are bound by name: their order differs between files. */
public interface Network {
    /** Name and shape of an input or output. */
    final class Tensor {
        public final String name;
        private final int[] shape;

        public Tensor(String name, int... shape) {
            this.name = name;
            this.shape = shape.clone();
        }

        public int rank() {
            return shape.length;
        }

        public int dimension(int axis) {
            return shape[axis];
        }

        /** How many values it has. */
        public int size() {
            int size = 1;
            for (int length : shape) {
                size *= length;
            }
            return size;
        }

        @Override
        public String toString() {
            return name + " " + java.util.Arrays.toString(shape);
        }
    }

    List<Tensor> inputs();

    List<Tensor> outputs();

    /** Runs the model. @throws DemoException if the runtime cannot. */
    Map<String, float[]> run(Map<String, float[]> inputs) throws DemoException;
}
