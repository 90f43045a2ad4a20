package io.github.lomit_tf.demo.core;

/** Float images: height x width x channels, row by row, the channels of a pixel side by side (NHWC without N). */
public final class Planes {
    public final int width;
    public final int height;
    public final int channels;
    public final float[] values;

    /** @throws IllegalArgumentException if the array has not width x height x channels values. */
    public Planes(int width, int height, int channels, float[] values) {
        if ((long) width * height * channels != values.length) {
            throw new IllegalArgumentException(
                    width + "x" + height + "x" + channels + " planes cannot have " + values.length + " values");
        }
        this.width = width;
        this.height = height;
        this.channels = channels;
        this.values = values;
    }

    public Planes(int width, int height, int channels) {
        this(width, height, channels, new float[width * height * channels]);
    }

    /** One channel of these, as new planes of one channel. */
    public Planes channel(int channel) {
        Planes one = new Planes(width, height, 1);
        for (int i = 0; i < one.values.length; i++) {
            one.values[i] = values[i * channels + channel];
        }
        return one;
    }

    /** At another size: bilinear, averaged where it shrinks (paste_back.upsample_masks). */
    public Planes resized(int toWidth, int toHeight) {
        if (toWidth == width && toHeight == height) {
            return this;
        }
        Filter[] filters = Filter.raising(width, height, toWidth, toHeight);
        Planes wide = widened(filters[0]);
        Planes done = new Planes(toWidth, toHeight, channels);
        for (int y = 0; y < toHeight; y++) {
            wide.row(filters[1], y, done.values, y * toWidth * channels);
        }
        return done;
    }

    /** A resize along the width. */
    Planes widened(Filter across) {
        Planes wide = new Planes(across.start.length, height, channels);
        for (int y = 0; y < height; y++) {
            across(across, values, y * width * channels, wide.values, y * wide.width * channels, channels);
        }
        return wide;
    }

    /** Resizes one row along the width. */
    static void across(Filter filter, float[] row, int offset, float[] to, int toOffset, int channels) {
        for (int x = 0; x < filter.start.length; x++) {
            float[] weights = filter.weights[x];
            int from = offset + filter.start[x] * channels;
            for (int c = 0; c < channels; c++) {
                float sum = 0f;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * row[from + k * channels + c];
                }
                to[toOffset + x * channels + c] = sum;
            }
        }
    }

    /** One output row of a resize along the height, into `to` from `offset` on. */
    void row(Filter filter, int y, float[] to, int offset) {
        int length = width * channels;
        java.util.Arrays.fill(to, offset, offset + length, 0f);
        for (int k = 0; k < filter.weights[y].length; k++) {
            float weight = filter.weights[y][k];
            int from = (filter.start[y] + k) * length;
            for (int i = 0; i < length; i++) {
                to[offset + i] += weight * values[from + i];
            }
        }
    }
}
