package io.github.lomit_tf.demo.core;

import java.util.Arrays;

/**
 * A face's picture parted into hair, skin, background and clothes by its own colours: expectation maximisation
 * (lomit_tf/imaging/face_regions.py; docs/method.md, eqs. (9.15) to (9.17)).
 */
final class Regions {
    static final int HAIR = 0;
    static final int SKIN = 1;
    static final int COUNT = Mixtures.KERNELS.length;
    private static final int SMOOTH_FROM = 2; // the round from which responsibilities are smoothed
    private static final double RADIUS = 1.0 / 16; // of the guided filter, a share of the picture's height
    private static final float EPSILON = 0.1f;
    private static final double LEAST_PRIOR = 1e-4;
    private static final double FLOOR = 1e-3; // a network that is sure may be wrong
    private static final double MASK_POWER = 0.3;
    private static final int FIRST_YIELDING = 2; // background and clothes learn little from what looks like hair
    private static final double YIELDED = 0.9; // how much of a pixel they leave to the hair
    private static final double LIKELY = 2; // and from which density of it on

    private Regions() {}

    /**
     * Where the regions lie before the colours are looked at, COUNT channels, whose sum is 1.
     *
     * @param mask of the hair, one channel.
     * @param layout of the same size, COUNT channels.
     */
    static Planes prior(Planes mask, Planes layout) {
        Planes made = new Planes(mask.width, mask.height, COUNT);
        double[] weighed = new double[COUNT];
        for (int i = 0; i < mask.values.length; i++) {
            double hair = Math.min(mask.values[i], 1f);
            double others = 0;
            for (int k = 0; k < COUNT; k++) {
                others += k == HAIR ? 0 : layout.values[COUNT * i + k];
            }
            double sum = 0;
            for (int k = 0; k < COUNT; k++) {
                double place = layout.values[COUNT * i + k];
                double share = k == HAIR ? hair : (1 - hair) * place / others;
                weighed[k] = Math.pow(Math.max(share, FLOOR), MASK_POWER) * Math.max(place, FLOOR);
                sum += weighed[k];
            }
            for (int k = 0; k < COUNT; k++) {
                made.values[COUNT * i + k] = (float) (weighed[k] / sum);
            }
        }
        return made;
    }

    /**
     * How far each pixel belongs to each region: COUNT channels, whose sum is 1.
     *
     * @param values of RegionColours.
     * @param where of `prior`.
     * @param rounds of the expectation maximisation.
     */
    static Planes responsibilities(Planes values, Planes where, int rounds) {
        int count = where.width * where.height;
        double[] prior = new double[COUNT * count];
        double[] begun = new double[COUNT * count];
        for (int i = 0; i < count; i++) {
            double sum = 0;
            double squares = 0;
            for (int k = 0; k < COUNT; k++) {
                prior[COUNT * i + k] = Math.max(where.values[COUNT * i + k], LEAST_PRIOR);
                sum += prior[COUNT * i + k];
            }
            for (int k = 0; k < COUNT; k++) {
                prior[COUNT * i + k] /= sum;
                squares += prior[COUNT * i + k] * prior[COUNT * i + k];
            }
            for (int k = 0; k < COUNT; k++) {
                begun[COUNT * i + k] = prior[COUNT * i + k] * prior[COUNT * i + k] / squares;
            }
        }
        double[] parts = Mixtures.byLightness(values, begun);
        double[] found = begun;
        for (int round = 0; round < rounds; round++) {
            expect(new Mixtures(values, parts), values, prior, found, parts);
            if (round >= SMOOTH_FROM) {
                smooth(values, found);
            }
            for (int i = 0; i < parts.length; i++) {
                parts[i] *= found[COUNT * (i / Mixtures.ALL) + Mixtures.OWNER[i % Mixtures.ALL]];
            }
        }
        Planes made = new Planes(where.width, where.height, COUNT);
        for (int i = 0; i < found.length; i++) {
            made.values[i] = (float) found[i];
        }
        return made;
    }

    /**
     * Fills the regions' responsibilities, and each Gaussian's share in its region's mixture, of which background and
     * clothes leave to the hair what looks like it.
     */
    private static void expect(Mixtures mixtures, Planes values, double[] prior, double[] found, double[] shares) {
        double[] densities = new double[Mixtures.ALL];
        double[] mixture = new double[COUNT];
        for (int i = 0; i < values.width * values.height; i++) {
            mixtures.densities(values, i, densities);
            Arrays.fill(mixture, 1e-250);
            for (int c = 0; c < Mixtures.ALL; c++) {
                mixture[Mixtures.OWNER[c]] += densities[c];
            }
            double sum = 0;
            for (int k = 0; k < COUNT; k++) {
                found[COUNT * i + k] = prior[COUNT * i + k] * mixture[k];
                sum += found[COUNT * i + k];
            }
            for (int k = 0; k < COUNT; k++) {
                found[COUNT * i + k] /= sum;
            }
            double left = 1 - YIELDED * (mixture[HAIR] / (mixture[HAIR] + LIKELY));
            for (int c = 0; c < Mixtures.ALL; c++) {
                double share = densities[c] / mixture[Mixtures.OWNER[c]];
                shares[Mixtures.ALL * i + c] = Mixtures.OWNER[c] >= FIRST_YIELDING ? share * left : share;
            }
        }
    }

    /** Responsibilities through the guided filter of the picture's colours; their sum stays 1. */
    private static void smooth(Planes values, double[] found) {
        Planes given = new Planes(values.width, values.height, COUNT);
        for (int i = 0; i < found.length; i++) {
            given.values[i] = (float) found[i];
        }
        int radius = (int) Math.max(1, Math.rint(RADIUS * values.height));
        float[] smooth = guided(values, given, radius, EPSILON).values;
        for (int i = 0; i < found.length; i += COUNT) {
            double sum = 0;
            for (int k = 0; k < COUNT; k++) {
                found[i + k] = Math.max(1e-6, Math.min(1.0, smooth[i + k]));
                sum += found[i + k];
            }
            for (int k = 0; k < COUNT; k++) {
                found[i + k] /= sum;
            }
        }
    }

    /** The guided filter (He et al. 2013) of the values' first three channels, as OpenCV's ximgproc.guidedFilter. */
    static Planes guided(final Planes values, Planes given, int radius, float epsilon) {
        Rows guide = new Rows(values.width, values.height) {
            @Override
            void read(int y, float[] rgb) {
                for (int x = 0; x < width; x++) {
                    System.arraycopy(values.values, values.channels * (y * width + x), rgb, 3 * x, 3);
                }
            }
        };
        float[] linear = new GuidedCoefficients(guide, given, 1, radius, epsilon).rows(0, values.height);
        Planes made = new Planes(given.width, given.height, given.channels);
        for (int i = 0; i < made.values.length; i++) {
            int pixel = i / given.channels * values.channels;
            made.values[i] = linear[4 * i + 3];
            for (int k = 0; k < 3; k++) {
                made.values[i] += linear[4 * i + k] * values.values[pixel + k];
            }
        }
        return made;
    }
}
