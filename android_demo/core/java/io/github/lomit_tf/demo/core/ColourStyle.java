package io.github.lomit_tf.demo.core;

import java.util.Locale;

/**
 * A colour that a person sets in the place of an exemplar, and the colour moments of hair that has it
 * (lomit_tf/imaging/colours.py, which says where the numbers come from).
 */
public final class ColourStyle {
    /** Means of luminance and two colour differences, their deviations, and the differences' slopes over luminance. */
    public static final int MOMENTS = 8;
    /** What the URI of such an exemplar begins with: colour:#8a3b12, or colour:#8a3b12:hair. */
    private static final String SCHEME = "colour:";
    private static final double[][] DEVIATIONS = {
        {0.3580, -0.0110, -0.2955}, {0.0526, -0.0107, -0.0514}, {0.0506, -0.0135, -0.0403},
    };
    private static final double[][] SLOPES = {{0.213, -2.143}, {-0.206, -2.622}};
    private static final double SLOPE_LIMIT = 0.3;
    private static final double LEAST_DEVIATION = 0.01;

    /** 0xRRGGBB. */
    public final int rgb;
    /** The group that gets it; empty for the model's first colour group. */
    public final String group;

    public ColourStyle(int rgb, String group) {
        this.rgb = rgb & 0xffffff;
        this.group = group;
    }

    /** Whether an exemplar's URI is a colour's. */
    public static boolean isOne(String uri) {
        return uri.startsWith(SCHEME);
    }

    /** Of a URI. @throws IllegalArgumentException for anything but colour:#rrggbb, with :GROUP or without. */
    public static ColourStyle parse(String uri) {
        String[] words = isOne(uri) ? uri.substring(SCHEME.length()).split(":", 2) : new String[] {""};
        if (!words[0].matches("#[0-9a-fA-F]{6}")) {
            throw new IllegalArgumentException("a colour is colour:#rrggbb or colour:#rrggbb:GROUP; received " + uri);
        }
        return new ColourStyle(Integer.parseInt(words[0].substring(1), 16), words.length > 1 ? words[1] : "");
    }

    /** The URI that `parse` reads. */
    public String uri() {
        return SCHEME + String.format(Locale.ROOT, "#%06x", rgb) + (group.isEmpty() ? "" : ":" + group);
    }

    /** The colour moments of hair whose mean is this colour. */
    public float[] moments() {
        float[] moments = new float[MOMENTS];
        float[] range = new float[3];
        for (int c = 0; c < 3; c++) {
            range[c] = (rgb >> (16 - 8 * c) & 255) / 127.5f - 1f;
        }
        PasteBack.convert(PasteBack.TO_YCC, range, 0, moments, 0);
        double luminance = moments[0];
        for (int c = 0; c < 3; c++) {
            double[] fit = DEVIATIONS[c];
            double deviation = fit[0] + fit[1] * luminance + fit[2] * luminance * luminance;
            moments[3 + c] = (float) Math.max(LEAST_DEVIATION, deviation);
        }
        for (int c = 0; c < 2; c++) {
            double slope = moments[1 + c] * (SLOPES[c][0] + SLOPES[c][1] * luminance);
            moments[6 + c] = (float) Math.max(-SLOPE_LIMIT, Math.min(SLOPE_LIMIT, slope));
        }
        return moments;
    }
}
