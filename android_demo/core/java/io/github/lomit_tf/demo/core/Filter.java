package io.github.lomit_tf.demo.core;

/** The weights of a separable resize along one axis: output i is the sum of weights[i][k] * input[start[i] + k]. */
final class Filter {
    final int[] start;
    final float[][] weights;

    private Filter(int size) {
        start = new int[size];
        weights = new float[size][];
    }

    /**
     * A triangle of the scale's width where it shrinks: tf.image.resize(method="bilinear", antialias=True), with the
     * reciprocals that it rounds.
     */
    static Filter antialiased(int from, int to) {
        Filter filter = new Filter(to);
        float inverse = 1f / ((float) to / from);
        float width = Math.max(inverse, 1f);
        float narrowness = 1f / width;
        for (int i = 0; i < to; i++) {
            float centre = (i + 0.5f) * inverse;
            int first = Math.max(0, (int) Math.ceil(centre - width - 0.5f));
            int end = Math.min(from, (int) Math.floor(centre + width - 0.5f) + 1);
            filter.set(i, first, new float[end - first]);
            for (int k = first; k < end; k++) {
                filter.weights[i][k - first] = Math.max(0f, 1f - Math.abs((k + 0.5f - centre) * narrowness));
            }
            float sum = 0f;
            for (float weight : filter.weights[i]) {
                sum += weight;
            }
            float share = 1f / sum;
            for (int k = 0; k < filter.weights[i].length; k++) {
                filter.weights[i][k] *= share;
            }
        }
        return filter;
    }

    /** Half-pixel centres, edges repeated: OpenCV's INTER_LINEAR. */
    static Filter linear(int from, int to) {
        Filter filter = new Filter(to);
        for (int i = 0; i < to; i++) {
            float centre = (float) ((i + 0.5) * from / to - 0.5);
            int first = (int) Math.floor(centre);
            float part = centre - first;
            if (first < 0 || first >= from - 1) {
                filter.set(i, first < 0 ? 0 : from - 1, new float[] {1f});
            } else {
                filter.set(i, first, new float[] {1f - part, part});
            }
        }
        return filter;
    }

    /** The average of what an output pixel covers, by area: OpenCV's INTER_AREA; for to at most from. */
    static Filter area(int from, int to) {
        Filter filter = new Filter(to);
        double scale = (double) from / to;
        for (int i = 0; i < to; i++) {
            double low = i * scale;
            double high = Math.min(from, low + scale);
            int first = (int) Math.floor(low + 1e-9);
            int end = Math.min(from, (int) Math.ceil(high - 1e-9));
            filter.set(i, first, new float[end - first]);
            for (int k = first; k < end; k++) {
                filter.weights[i][k - first] = (float) (Math.min(high, k + 1) - Math.max(low, k));
            }
            normalise(filter.weights[i]);
        }
        return filter;
    }

    /** What paste_back.upsample_masks takes: averages where both axes shrink, else linear. */
    static Filter[] raising(int fromWidth, int fromHeight, int width, int height) {
        boolean shrinks = width <= fromWidth && height <= fromHeight;
        return new Filter[] {
            shrinks ? area(fromWidth, width) : linear(fromWidth, width),
            shrinks ? area(fromHeight, height) : linear(fromHeight, height)
        };
    }

    /** One filter after another as a single one. */
    static Filter compose(Filter first, Filter second) {
        Filter filter = new Filter(second.start.length);
        for (int i = 0; i < filter.start.length; i++) {
            int low = Integer.MAX_VALUE;
            int end = 0;
            for (int k = 0; k < second.weights[i].length; k++) {
                int between = second.start[i] + k;
                low = Math.min(low, first.start[between]);
                end = Math.max(end, first.start[between] + first.weights[between].length);
            }
            float[] made = new float[end - low];
            for (int k = 0; k < second.weights[i].length; k++) {
                int between = second.start[i] + k;
                for (int n = 0; n < first.weights[between].length; n++) {
                    made[first.start[between] + n - low] += second.weights[i][k] * first.weights[between][n];
                }
            }
            filter.set(i, low, made);
        }
        return filter;
    }

    /** The row after the last one that the output `i` needs. */
    int end(int i) {
        return start[i] + weights[i].length;
    }

    private void set(int i, int first, float[] empty) {
        start[i] = first;
        weights[i] = empty;
    }

    private static void normalise(float[] weights) {
        float sum = 0f;
        for (float weight : weights) {
            sum += weight;
        }
        for (int k = 0; k < weights.length; k++) {
            weights[k] /= sum;
        }
    }
}
