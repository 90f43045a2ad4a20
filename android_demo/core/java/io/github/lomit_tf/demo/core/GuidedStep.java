package io.github.lomit_tf.demo.core;

/**
 * One step of paste_back.upsample_change: the change at the guide's size. Rows are made when they are asked for, since a
 * photograph's change as floats would be 4 bytes a pixel and channel; what is kept is of the smaller image's size.
 */
final class GuidedStep {
    /** Gets finished rows, channels x width values from `offset` on; from several threads. */
    interface Sink {
        void row(int y, float[] change, int offset);
    }

    private static final int RADIUS = 1;
    private static final float SMOOTHNESS = 1e-3f * 255 * 255;
    private static final int BAND = 32;

    private final Rows guide;
    private final Planes change;
    private final int channels;
    private final Filter[] raising;
    private final GuidedCoefficients coefficients;
    private final Filter across;
    private final Filter down;
    private final Planes correction;

    /** @param firstRow, lastRow of the guide, between which rows will be asked for. */
    GuidedStep(Planes change, Rows guide, int firstRow, int lastRow) {
        this.guide = guide;
        this.change = change;
        channels = change.channels;
        raising = Filter.raising(change.width, change.height, guide.width, guide.height);
        double scale = Math.max((double) Math.max(change.width, change.height) / Math.max(guide.width, guide.height),
                1.0 / Math.min(guide.width, guide.height));
        if (scale >= 1) {
            coefficients = null;
            across = null;
            down = null;
            correction = change;
            return;
        }
        int radius = (int) Math.max(1, Math.rint(RADIUS / scale));
        coefficients = new GuidedCoefficients(guide, change, scale, radius, SMOOTHNESS);
        across = Filter.linear(coefficients.width, guide.width);
        down = Filter.linear(coefficients.height, guide.height);
        correction = correction(firstRow, lastRow);
    }

    /** What the filter blurred away: its averages must give the change again. Two rounds of it in one. */
    private Planes correction(int firstRow, int lastRow) {
        final Filter[] lowering = Filter.raising(guide.width, guide.height, change.width, change.height);
        final Planes missing = new Planes(change.width, change.height, channels);
        // A row of the guide takes from the rows around it, and their correction from those around them.
        final int first = raising[1].start[firstRow] - 4;
        final int end = raising[1].end(lastRow) + 4;
        Bands.run(change.height, BAND, new Bands.Task() {
            @Override
            public void run(final int from, int to) {
                if (to <= first || from >= end) {
                    return;
                }
                final int low = lowering[1].start[from];
                float[] rows = filtered(low, lowering[1].end(to - 1));
                int length = channels * change.width;
                float[] narrow = new float[length];
                for (int y = from; y < to; y++) {
                    int at = y * length;
                    System.arraycopy(change.values, at, missing.values, at, length);
                    for (int k = 0; k < lowering[1].weights[y].length; k++) {
                        int row = lowering[1].start[y] + k - low;
                        Planes.across(lowering[0], rows, row * channels * guide.width, narrow, 0, channels);
                        for (int i = 0; i < length; i++) {
                            missing.values[at + i] -= lowering[1].weights[y][k] * narrow[i];
                        }
                    }
                }
            }
        });
        twice(missing, Filter.compose(raising[0], lowering[0]), Filter.compose(raising[1], lowering[1]));
        return missing;
    }

    /** m -> 2 m - (m raised and averaged again), in place; of rows that are overwritten the filtered ones are kept. */
    private static void twice(Planes missing, Filter acrossBoth, Filter downBoth) {
        int length = missing.channels * missing.width;
        int kept = 2;
        for (float[] weights : downBoth.weights) {
            kept = Math.max(kept, 2 * weights.length + 2);
        }
        float[][] filtered = new float[kept][length];
        int done = 0;
        for (int y = 0; y < missing.height; y++) {
            for (; done < Math.max(downBoth.end(y), y + 1); done++) {
                Planes.across(acrossBoth, missing.values, done * length, filtered[done % kept], 0, missing.channels);
            }
            int at = y * length;
            for (int i = 0; i < length; i++) {
                missing.values[at + i] *= 2;
            }
            for (int k = 0; k < downBoth.weights[y].length; k++) {
                float weight = downBoth.weights[y][k];
                float[] row = filtered[(downBoth.start[y] + k) % kept];
                for (int i = 0; i < length; i++) {
                    missing.values[at + i] -= weight * row[i];
                }
            }
        }
    }

    /** The filter's own rows from..to-1 of the guide's size. */
    private float[] filtered(int from, int to) {
        int low = down.start[from];
        float[] grid = coefficients.rows(low, down.end(to - 1));
        int n = coefficients.perPixel;
        int length = coefficients.width * n;
        float[] line = new float[length];
        float[] rgb = new float[3 * guide.width];
        float[] made = new float[(to - from) * channels * guide.width];
        for (int y = from; y < to; y++) {
            java.util.Arrays.fill(line, 0f);
            for (int k = 0; k < down.weights[y].length; k++) {
                float weight = down.weights[y][k];
                int row = (down.start[y] + k - low) * length;
                for (int i = 0; i < length; i++) {
                    line[i] += weight * grid[row + i];
                }
            }
            guide.read(y, rgb);
            int at = (y - from) * channels * guide.width;
            for (int x = 0; x < guide.width; x++) {
                float[] weights = across.weights[x];
                int left = across.start[x] * n;
                int right = left + (weights.length - 1) * n;
                float part = weights[weights.length - 1];
                float rest = 1f - part;
                for (int c = 0; c < channels; c++) {
                    float sum = rest * line[left + 4 * c + 3] + part * line[right + 4 * c + 3];
                    for (int k = 0; k < 3; k++) {
                        sum += (rest * line[left + 4 * c + k] + part * line[right + 4 * c + k]) * rgb[3 * x + k];
                    }
                    made[at + channels * x + c] = sum;
                }
            }
        }
        return made;
    }

    /** Makes the rows first..last. */
    void run(final int firstRow, int lastRow, final float[] low, final float[] high, final Sink sink) {
        Bands.run(lastRow + 1 - firstRow, BAND, new Bands.Task() {
            @Override
            public void run(int from, int to) {
                int length = channels * guide.width;
                float[] rows = coefficients == null ? new float[(to - from) * length]
                        : filtered(firstRow + from, firstRow + to);
                float[] small = new float[channels * change.width];
                float[] raised = new float[length];
                for (int y = from; y < to; y++) {
                    int at = (y - from) * length;
                    correction.row(raising[1], firstRow + y, small, 0);
                    Planes.across(raising[0], small, 0, raised, 0, channels);
                    for (int i = 0; i < length; i++) {
                        rows[at + i] = Math.max(low[i % channels], Math.min(high[i % channels], rows[at + i] + raised[i]));
                    }
                    sink.row(firstRow + y, rows, at);
                }
            }
        });
    }
}
