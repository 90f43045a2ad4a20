package io.github.lomit_tf.demo.core;

/** Gaussian blurs of planes of floats, as OpenCV's GaussianBlur without a size: beyond the border the plane is mirrored. */
final class Blur {
    private Blur() {}

    /** The weights of a Gaussian of so many pixels, an odd number of them; their sum is 1. */
    static double[] gaussian(double sigma) {
        double[] weights = new double[(int) Math.rint(8 * sigma + 1) | 1];
        int radius = weights.length / 2;
        double sum = 0;
        for (int i = 0; i < weights.length; i++) {
            weights[i] = Math.exp(-(i - radius) * (i - radius) / (2 * sigma * sigma));
            sum += weights[i];
        }
        for (int i = 0; i < weights.length; i++) {
            weights[i] /= sum;
        }
        return weights;
    }

    /** A plane, blurred by the same weights along both axes. */
    static float[] blurred(float[] plane, int width, int height, double[] weights) {
        float[] wide = new float[plane.length];
        float[] made = new float[plane.length];
        int[] columns = places(width, weights.length / 2);
        int[] rows = places(height, weights.length / 2);
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * plane[y * width + columns[x + k]];
                }
                wide[y * width + x] = (float) sum;
            }
        }
        for (int y = 0; y < height; y++) {
            for (int x = 0; x < width; x++) {
                double sum = 0;
                for (int k = 0; k < weights.length; k++) {
                    sum += weights[k] * wide[rows[y + k] * width + x];
                }
                made[y * width + x] = (float) sum;
            }
        }
        return made;
    }

    /** The places from -radius to size + radius - 1, mirrored. */
    private static int[] places(int size, int radius) {
        int[] places = new int[size + 2 * radius];
        for (int i = 0; i < places.length; i++) {
            places[i] = reflected(i - radius, size);
        }
        return places;
    }

    /** Mirrored at the border, whose pixel stands once: OpenCV's BORDER_REFLECT_101. */
    static int reflected(int place, int size) {
        int at = place;
        while (at < 0 || at >= size) {
            at = size == 1 ? 0 : at < 0 ? -at : 2 * size - 2 - at;
        }
        return at;
    }
}
