package io.github.lomit_tf.demo.core;

/**
 * What regions of a picture are told apart by: the lightness, a and b of CIELAB in units in which they count alike, and
 * the local contrast of the lightness (`features` of lomit_tf/imaging/face_regions.py, docs/method.md, eq. (9.14)).
 */
final class RegionColours {
    /** Values of a pixel. */
    static final int VALUES = 4;
    private static final float[] UNITS = {25f, 10f, 10f};
    private static final double[] TEXTURE = Blur.gaussian(1.2);
    private static final double TEXTURE_WEIGHT = 0.5;

    // OpenCV looks the colours up in a table of 33 x 33 x 33, in 14 bits, and interpolates in 16 steps between its places.
    private static final int SIDE = 33;
    private static final int BITS = 14;
    private static final int CELL_BITS = 9;
    private static final int STEPS = 16;
    private static final float WHOLE = 1 << BITS;
    private static final double[][] XYZ = {
        {0.412453 / 0.950456, 0.357580 / 0.950456, 0.180423 / 0.950456},
        {0.212671, 0.715160, 0.072169},
        {0.019334 / 1.088754, 0.119193 / 1.088754, 0.950227 / 1.088754},
    };
    private static final double DARK = 216 / 24389.0; // below it the cube root is replaced by a line
    private static final short[] TABLE = table();

    private RegionColours() {}

    private static short[] table() {
        double[] linear = new double[SIDE];
        for (int i = 0; i < SIDE; i++) {
            double x = i / (SIDE - 1.0);
            linear[i] = x <= 0.04045 ? x / 12.92 : Math.pow((x + 0.055) / 1.055, 2.4);
        }
        short[] table = new short[SIDE * SIDE * SIDE * 3];
        double[] f = new double[3];
        for (int i = 0; i < SIDE * SIDE * SIDE; i++) {
            double red = linear[i / (SIDE * SIDE)];
            double green = linear[i / SIDE % SIDE];
            double blue = linear[i % SIDE];
            for (int k = 0; k < 3; k++) {
                double x = red * XYZ[k][0] + green * XYZ[k][1] + blue * XYZ[k][2];
                f[k] = x > DARK ? Math.cbrt(x) : x * 841 / 108 + 16 / 116.0;
            }
            table[3 * i] = (short) Math.rint(WHOLE * (116 * f[1] - 16) / 100);
            table[3 * i + 1] = (short) Math.rint(WHOLE * (500 * (f[0] - f[1]) + 128) / 256);
            table[3 * i + 2] = (short) Math.rint(WHOLE * (200 * (f[1] - f[2]) + 128) / 256);
        }
        return table;
    }

    /** The picture's size, VALUES channels. */
    static Planes of(Picture picture) {
        Planes made = new Planes(picture.width, picture.height, VALUES);
        float[] light = new float[picture.argb.length];
        float[] squares = new float[picture.argb.length];
        float[] lab = new float[3];
        for (int i = 0; i < light.length; i++) {
            convert(picture.argb[i], lab);
            light[i] = lab[0];
            squares[i] = lab[0] * lab[0];
            for (int k = 0; k < 3; k++) {
                made.values[VALUES * i + k] = lab[k] / UNITS[k];
            }
        }
        float[] mean = Blur.blurred(light, picture.width, picture.height, TEXTURE);
        float[] square = Blur.blurred(squares, picture.width, picture.height, TEXTURE);
        for (int i = 0; i < light.length; i++) {
            double contrast = Math.sqrt(Math.max(0f, square[i] - mean[i] * mean[i]));
            made.values[VALUES * i + 3] = (float) (TEXTURE_WEIGHT * Math.log1p(contrast));
        }
        return made;
    }

    /** CIELAB as cvtColor gives it for floats: lightness 0..100, a and b. */
    private static void convert(int argb, float[] lab) {
        int red = (int) Math.rint((argb >> 16 & 255) / 255f * WHOLE);
        int green = (int) Math.rint((argb >> 8 & 255) / 255f * WHOLE);
        int blue = (int) Math.rint((argb & 255) / 255f * WHOLE);
        int[] sums = new int[3];
        for (int corner = 0; corner < 8; corner++) {
            int weight = share(red, corner & 1) * share(green, corner >> 1 & 1) * share(blue, corner >> 2);
            if (weight > 0) {
                int place = 3 * ((place(red, corner & 1) * SIDE + place(green, corner >> 1 & 1)) * SIDE
                        + place(blue, corner >> 2));
                for (int k = 0; k < 3; k++) {
                    sums[k] += weight * TABLE[place + k];
                }
            }
        }
        int whole = STEPS * STEPS * STEPS;
        for (int k = 0; k < 3; k++) {
            float value = Math.floorDiv(sums[k] + whole / 2, whole) / WHOLE;
            lab[k] = k == 0 ? value * 100f : value * 256f - 128f;
        }
    }

    private static int place(int value, int next) {
        return (value >> CELL_BITS) + next;
    }

    private static int share(int value, int next) {
        int step = value >> CELL_BITS - 4 & STEPS - 1;
        return next == 1 ? step : STEPS - step;
    }
}
