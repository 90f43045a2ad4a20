package io.github.lomit_tf.demo.core;

/**
 * The linear functions of a guided filter (He, Sun and Tang, PAMI 2013), as OpenCV's ximgproc.guidedFilter computes them
 * on its subsampled grid: change = b + a . colour, fitted in every window and averaged over the windows of a pixel.
 */
final class GuidedCoefficients {
    final int width;
    final int height;
    /** A row's values for each pixel: for every channel of the change three factors and the constant. */
    final int perPixel;
    private final int channels;
    private final Rows guide;
    private final Planes change;
    private final Filter changeAcross;
    private final Filter guideAcross;
    private final Filter guideDown;
    private final Filter changeDown;
    private final int radius;
    private final float smoothness;

    /**
     * @param scale of the grid against the guide, at most 1: then it is the guide's own.
     * @param radius of the windows, in pixels of the grid.
     */
    GuidedCoefficients(Rows guide, Planes change, double scale, int radius, float smoothness) {
        this.width = (int) (guide.width * scale);
        this.height = (int) (guide.height * scale);
        channels = change.channels;
        perPixel = 4 * channels;
        this.guide = guide;
        this.radius = radius;
        this.smoothness = smoothness;
        guideAcross = Filter.linear(guide.width, width);
        guideDown = Filter.linear(guide.height, height);
        // The change is raised to the guide's size and taken at the grid's places.
        Filter[] raising = Filter.raising(change.width, change.height, guide.width, guide.height);
        this.change = change;
        changeAcross = Filter.compose(raising[0], guideAcross);
        changeDown = Filter.compose(raising[1], guideDown);
    }

    /** Rows from..to-1 of the grid, each of width x perPixel values. */
    float[] rows(int from, int to) {
        int span = 2 * radius;
        int padded = width + 2 * span;
        int count = to - from + 2 * span;
        float[][] sums = new float[9 + 4 * channels][count * padded];
        float[] wide = new float[3 * guide.width];
        float[] colour = new float[3 * width];
        float[] partial = new float[3 * width];
        float[] small = new float[channels * change.width];
        float[] target = new float[channels * width];
        for (int r = 0; r < count; r++) {
            int y = reflected(from - span + r, height);
            java.util.Arrays.fill(colour, 0f);
            for (int k = 0; k < guideDown.weights[y].length; k++) {
                guide.read(guideDown.start[y] + k, wide);
                Planes.across(guideAcross, wide, 0, partial, 0, 3);
                for (int i = 0; i < colour.length; i++) {
                    colour[i] += guideDown.weights[y][k] * partial[i];
                }
            }
            change.row(changeDown, y, small, 0);
            Planes.across(changeAcross, small, 0, target, 0, channels);
            for (int x = 0; x < padded; x++) {
                products(sums, r * padded + x, colour, target, reflected(x - span, width));
            }
        }
        for (int n = 0; n < sums.length; n++) {
            sums[n] = average(sums[n], padded, count);
        }
        padded -= span;
        count -= span;
        float[][] fitted = new float[perPixel][count * padded];
        for (int i = 0; i < count * padded; i++) {
            fit(sums, i, fitted);
        }
        float[] made = new float[(to - from) * width * perPixel];
        for (int n = 0; n < perPixel; n++) {
            float[] smooth = average(fitted[n], padded, count);
            for (int i = 0; i < smooth.length; i++) {
                made[i * perPixel + n] = smooth[i];
            }
        }
        return made;
    }

    /** 0..2: colours, 3..8: their products, then for each channel the change, and it times the colours. */
    private void products(float[][] sums, int i, float[] colour, float[] target, int x) {
        float r = colour[3 * x];
        float g = colour[3 * x + 1];
        float b = colour[3 * x + 2];
        sums[0][i] = r;
        sums[1][i] = g;
        sums[2][i] = b;
        sums[3][i] = r * r;
        sums[4][i] = r * g;
        sums[5][i] = r * b;
        sums[6][i] = g * g;
        sums[7][i] = g * b;
        sums[8][i] = b * b;
        for (int c = 0; c < channels; c++) {
            float value = target[channels * x + c];
            sums[9 + 4 * c][i] = value;
            sums[10 + 4 * c][i] = value * r;
            sums[11 + 4 * c][i] = value * g;
            sums[12 + 4 * c][i] = value * b;
        }
    }

    /** The least squares of one window from its averages. */
    private void fit(float[][] mean, int i, float[][] fitted) {
        double r = mean[0][i];
        double g = mean[1][i];
        double b = mean[2][i];
        double rr = mean[3][i] - r * r + smoothness;
        double rg = mean[4][i] - r * g;
        double rb = mean[5][i] - r * b;
        double gg = mean[6][i] - g * g + smoothness;
        double gb = mean[7][i] - g * b;
        double bb = mean[8][i] - b * b + smoothness;
        double irr = gg * bb - gb * gb;
        double irg = gb * rb - rg * bb;
        double irb = rg * gb - gg * rb;
        double igg = rr * bb - rb * rb;
        double igb = rb * rg - rr * gb;
        double ibb = rr * gg - rg * rg;
        double one = 1 / (rr * irr + rg * irg + rb * irb);
        for (int c = 0; c < channels; c++) {
            double value = mean[9 + 4 * c][i];
            double vr = mean[10 + 4 * c][i] - value * r;
            double vg = mean[11 + 4 * c][i] - value * g;
            double vb = mean[12 + 4 * c][i] - value * b;
            double ar = (irr * vr + irg * vg + irb * vb) * one;
            double ag = (irg * vr + igg * vg + igb * vb) * one;
            double ab = (irb * vr + igb * vg + ibb * vb) * one;
            fitted[4 * c][i] = (float) ar;
            fitted[4 * c + 1][i] = (float) ag;
            fitted[4 * c + 2][i] = (float) ab;
            fitted[4 * c + 3][i] = (float) (value - ar * r - ag * g - ab * b);
        }
    }

    /** Averages over (2 radius + 1)^2 pixels, where all of them are there: 2 radius fewer rows and columns. */
    private float[] average(float[] plane, int columns, int rows) {
        int size = 2 * radius + 1;
        int narrow = columns - 2 * radius;
        float[] made = new float[narrow * (rows - 2 * radius)];
        double[] across = new double[rows * narrow];
        for (int y = 0; y < rows; y++) {
            double sum = 0;
            for (int x = 0; x < columns; x++) {
                sum += plane[y * columns + x];
                if (x >= size - 1) {
                    across[y * narrow + x - size + 1] = sum;
                    sum -= plane[y * columns + x - size + 1];
                }
            }
        }
        double[] sums = new double[narrow];
        double share = 1.0 / (size * size);
        for (int y = 0; y < rows; y++) {
            for (int x = 0; x < narrow; x++) {
                sums[x] += across[y * narrow + x];
            }
            if (y >= size - 1) {
                int first = (y - size + 1) * narrow;
                for (int x = 0; x < narrow; x++) {
                    made[first + x] = (float) (sums[x] * share);
                    sums[x] -= across[first + x];
                }
            }
        }
        return made;
    }

    /** Beyond the border the grid is mirrored, its last pixel twice (OpenCV's BORDER_REFLECT). */
    private static int reflected(int place, int size) {
        int at = Math.floorMod(place, 2 * size);
        return at < size ? at : 2 * size - 1 - at;
    }
}
