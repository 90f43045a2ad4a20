package io.github.lomit_tf.demo.core;

import java.util.Arrays;

/**
 * The light that a face is seen in, and pictures as they would look in that of another (lomit_tf/imaging/light.py;
 * docs/method.md, eq. (10.9)): a warm lamp makes the pixels of black hair brown. The skin of both faces says how the
 * lights differ.
 */
final class Light {
    static final float FURTHEST = 1.6f; // how many times as strong a colour's part of the light may be
    static final float SHARE = 0.5f; // of the difference of both lights, in logarithms, if both faces have skin's colour
    // How much more red than blue there is in a light from where on and until where skin says something of it, and how
    // much more blue than green there may be.
    private static final double WARM_FROM = 0.08;
    private static final double WARM = 0.2;
    private static final double PINK = 0.2;
    private static final float LEAST = 0.02f; // added to colours in 0..1, so that a black face has a light
    // The ellipse of the middle of the face, in sides of a window framed as CelebA's are.
    private static final double X = 0.5;
    private static final double Y = 0.57;
    private static final double ACROSS = 0.14;
    private static final double DOWN = 0.09;

    private Light() {}

    /**
     * The median of a face's skin, its luminance 1.
     *
     * @param pixels in -1..1, framed as CelebA's faces are.
     * @return red, green and blue.
     */
    static float[] ofFace(Planes pixels) {
        float[][] skin = new float[3][pixels.width * pixels.height];
        int count = 0;
        for (int i = 0; i < pixels.width * pixels.height; i++) {
            double x = ((i % pixels.width + 0.5) / pixels.width - X) / ACROSS;
            double y = ((i / pixels.width + 0.5) / pixels.height - Y) / DOWN;
            if (x * x + y * y <= 1) {
                for (int c = 0; c < 3; c++) {
                    skin[c][count] = pixels.values[3 * i + c] / 2 + 0.5f;
                }
                count++;
            }
        }
        float[] light = new float[3];
        for (int c = 0; c < 3; c++) {
            light[c] = median(skin[c], count) + LEAST;
        }
        float luminance = luminance(light[0], light[1], light[2]);
        for (int c = 0; c < 3; c++) {
            light[c] /= luminance;
        }
        return light;
    }

    /** How far a light is that of skin, from 0, of grey or painted faces, to 1. */
    static double known(float[] light) {
        double warm = ((double) light[0] - light[2] - WARM_FROM) / (WARM - WARM_FROM);
        double pink = 1 + ((double) light[1] - light[2]) / PINK;
        return Math.max(0, Math.min(1, warm)) * Math.max(0, Math.min(1, pink));
    }

    /** Of the first values, which are sorted; of an even count the mean of the two in the middle. */
    private static float median(float[] values, int count) {
        Arrays.sort(values, 0, count);
        return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
    }

    /**
     * A picture in other light: its colours change, and the luminance of each pixel stays, as far as 1 allows.
     *
     * @param pixels in -1..1.
     * @param own its light, of `ofFace`.
     * @param wanted the other light.
     * @return levels of 8 bits; the given picture itself where both lights are the same, or one is not known.
     */
    static Planes changed(Planes pixels, float[] own, float[] wanted) {
        double share = SHARE * known(own) * known(wanted);
        if (share == 0 || Arrays.equals(own, wanted)) {
            return pixels;
        }
        float[] gain = new float[3];
        for (int c = 0; c < 3; c++) {
            float ratio = Math.max(1 / FURTHEST, Math.min(FURTHEST, wanted[c] / own[c]));
            gain[c] = (float) Math.pow(ratio, share);
        }
        Planes made = new Planes(pixels.width, pixels.height, 3);
        for (int i = 0; i < made.values.length; i += 3) {
            float red = (pixels.values[i] + 1) / 2;
            float green = (pixels.values[i + 1] + 1) / 2;
            float blue = (pixels.values[i + 2] + 1) / 2;
            float after = luminance(red * gain[0], green * gain[1], blue * gain[2]);
            float scale = luminance(red, green, blue) / Math.max(after, 1e-6f);
            made.values[i] = level(red * gain[0] * scale);
            made.values[i + 1] = level(green * gain[1] * scale);
            made.values[i + 2] = level(blue * gain[2] * scale);
        }
        return made;
    }

    /** A value of at least 0, at most 1 then, as the next level of 8 bits, in -1..1. */
    private static float level(float value) {
        return ((float) Math.rint(Math.min(value, 1f) * 255f) - 127.5f) * (float) (1 / 127.5);
    }

    /** Summed in double: one rounding alone. */
    private static float luminance(float red, float green, float blue) {
        float[] weights = PasteBack.TO_YCC;
        return (float) ((double) weights[0] * red + (double) weights[1] * green + (double) weights[2] * blue);
    }
}
