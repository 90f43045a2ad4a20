package io.github.lomit_tf.demo.core;

/** A picture's colours in CIE L*a*b* as OpenCV has them in 8 bits, and how alike they are to those of a mask. */
final class LabColours {
    private static final int BINS = 16; // of each of L, a and b
    private static final double STRETCH = 2.5; // of a and b, which take up little of their range
    private static final double LEAST = 1e-5; // colours that the window has not shown are half alike
    private static final int[] BLUR = {1, 14, 62, 102, 62, 14, 1}; // OpenCV's Gaussian of 1 pixel, of 256
    private static final double[] WIDE_BLUR = Blur.gaussian(1.5); // and that of 1.5 pixels
    private static final int SHIFT = 12;
    private static final int FINE = 15;
    private static final int[] LINEAR = new int[256];
    private static final int[] ROOTS = new int[256 * 3 / 2 * 8];
    private static final int[][] XYZ = {{1777, 1541, 778}, {871, 2929, 296}, {73, 448, 3575}};

    static {
        for (int i = 0; i < LINEAR.length; i++) {
            double x = i / 255.0;
            LINEAR[i] = (int) Math.rint(255 * 8 * (x <= 0.04045 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4)));
        }
        for (int i = 0; i < ROOTS.length; i++) {
            double x = i / (255.0 * 8);
            double root = x < 216 / 24389.0 ? x * 841 / 108 + 16 / 116.0 : Math.cbrt(x);
            ROOTS[i] = (int) Math.rint((1 << FINE) * root);
        }
    }

    final int width;
    final int height;
    private final int[] colours; // three a pixel
    private final int[] smooth;

    LabColours(Picture picture) {
        width = picture.width;
        height = picture.height;
        colours = new int[3 * picture.argb.length];
        for (int i = 0; i < picture.argb.length; i++) {
            convert(picture.argb[i], colours, 3 * i);
        }
        smooth = smoothed();
    }

    private static void convert(int argb, int[] to, int place) {
        int red = LINEAR[argb >> 16 & 255];
        int green = LINEAR[argb >> 8 & 255];
        int blue = LINEAR[argb & 255];
        int[] f = new int[3];
        for (int k = 0; k < 3; k++) {
            f[k] = ROOTS[rounded(red * XYZ[k][0] + green * XYZ[k][1] + blue * XYZ[k][2], SHIFT)];
        }
        int grey = 128 << FINE;
        to[place] = level(rounded((116 * 255 + 50) / 100 * f[1] - ((16 * 255 << FINE) + 50) / 100, FINE));
        to[place + 1] = level(rounded(500 * (f[0] - f[1]) + grey, FINE));
        to[place + 2] = level(rounded(200 * (f[1] - f[2]) + grey, FINE));
    }

    private static int rounded(int value, int shift) {
        return value + (1 << shift - 1) >> shift;
    }

    private static int level(int value) {
        return Math.max(0, Math.min(255, value));
    }

    /** A smoothed colour, lightness halved. */
    float smooth(int pixel, int channel) {
        return smooth[3 * pixel + channel] * (channel == 0 ? 0.5f : 1f);
    }

    private int[] smoothed() {
        int[] wide = new int[colours.length];
        int[] made = new int[colours.length];
        for (int i = 0; i < colours.length; i++) {
            int x = i / 3 % width;
            for (int k = 0; k < BLUR.length; k++) {
                wide[i] += BLUR[k] * colours[i + 3 * (Blur.reflected(x + k - 3, width) - x)];
            }
        }
        for (int i = 0; i < colours.length; i++) {
            int y = i / 3 / width;
            int sum = 0;
            for (int k = 0; k < BLUR.length; k++) {
                sum += BLUR[k] * wide[i + 3 * width * (Blur.reflected(y + k - 3, height) - y)];
            }
            made[i] = rounded(sum, 16);
        }
        return made;
    }

    /** A plane, blurred by a Gaussian of 1.5 pixels. */
    static float[] blurred(float[] plane, int width, int height) {
        return Blur.blurred(plane, width, height, WIDE_BLUR);
    }

    /** 0..1 for each pixel: whether its colour is rather found within the mask than outside of it. */
    float[] likeness(float[] mask, boolean[] known) {
        double[] within = new double[BINS * BINS * BINS];
        double[] others = new double[BINS * BINS * BINS];
        for (int i = 0; i < mask.length; i++) {
            if (known[i]) {
                within[bin(i)] += Math.max(0, Math.min(1, (mask[i] - 0.4) / (0.8 - 0.4)));
                others[bin(i)] += Math.max(0, Math.min(1, 1 - mask[i] / 0.4));
            }
        }
        shares(within);
        shares(others);
        float[] likeness = new float[mask.length];
        for (int i = 0; i < mask.length; i++) {
            double in = within[bin(i)];
            likeness[i] = (float) Math.min(1, 2 * (in + LEAST) / (in + others[bin(i)] + 2 * LEAST));
        }
        return likeness;
    }

    private int bin(int pixel) {
        int bin = 0;
        for (int c = 0; c < 3; c++) {
            int value = colours[3 * pixel + c];
            double stretched = c == 0 ? value : (value - 128) * STRETCH + 128;
            bin = BINS * bin + (int) Math.max(0, Math.min(BINS - 1, stretched * BINS / 256));
        }
        return bin;
    }

    /** Counts -> shares, blurred along each axis in turn by 1/4, 1/2, 1/4. */
    private static void shares(double[] counts) {
        for (int stride = 1; stride < counts.length; stride *= BINS) {
            double[] old = counts.clone();
            for (int i = 0; i < counts.length; i++) {
                int place = i / stride % BINS;
                counts[i] = 0.5 * old[i] + (place > 0 ? 0.25 * old[i - stride] : 0)
                        + (place < BINS - 1 ? 0.25 * old[i + stride] : 0);
            }
        }
        double sum = 0;
        for (double count : counts) {
            sum += count;
        }
        for (int i = 0; i < counts.length; i++) {
            counts[i] /= Math.max(sum, 1e-6);
        }
    }
}
