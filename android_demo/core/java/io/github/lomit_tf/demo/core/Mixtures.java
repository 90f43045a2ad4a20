package io.github.lomit_tf.demo.core;

import java.util.Arrays;

/** Mixtures of Gaussians of pixels' values, one for each region: the steps of the expectation maximisation in `Regions`. */
final class Mixtures {
    /** Gaussians of hair, skin, background and clothes. */
    static final int[] KERNELS = {2, 2, 4, 3};
    static final int ALL = 11;
    /** The region of each Gaussian. */
    static final int[] OWNER = {0, 0, 1, 1, 2, 2, 2, 2, 3, 3, 3};
    private static final int VALUES = RegionColours.VALUES;
    /** 1, the values, and their products: in these the logarithms of Gaussians are linear. */
    private static final int MONOMIALS = 1 + VALUES + VALUES * (VALUES + 1) / 2;
    private static final double SPREAD = 0.02; // added to each Gaussian's variances
    private static final double LEAST = 1e-6; // of a Gaussian's weight

    private final double[][] coefficients = new double[MONOMIALS][ALL];
    private final double[] monomials = new double[MONOMIALS];

    /** @param parts the shares of each pixel in the Gaussians, ALL a pixel. */
    Mixtures(Planes values, double[] parts) {
        double[][] sums = new double[ALL][MONOMIALS];
        for (int i = 0; i < values.width * values.height; i++) {
            read(values, i);
            for (int c = 0; c < ALL; c++) {
                double part = parts[ALL * i + c];
                for (int k = 0; k < MONOMIALS; k++) {
                    sums[c][k] += part * monomials[k];
                }
            }
        }
        double[] ofRegions = new double[KERNELS.length];
        for (int c = 0; c < ALL; c++) {
            ofRegions[OWNER[c]] += sums[c][0] + LEAST;
        }
        for (int c = 0; c < ALL; c++) {
            double[] fitted = fit(sums[c], (sums[c][0] + LEAST) / ofRegions[OWNER[c]]);
            for (int k = 0; k < MONOMIALS; k++) {
                coefficients[k][c] = fitted[k];
            }
        }
    }

    private void read(Planes values, int pixel) {
        int at = 1 + VALUES;
        monomials[0] = 1;
        for (int k = 0; k < VALUES; k++) {
            double value = values.values[VALUES * pixel + k];
            monomials[1 + k] = value;
            for (int l = k; l < VALUES; l++) {
                monomials[at++] = value * values.values[VALUES * pixel + l];
            }
        }
    }

    /** Writes each Gaussian's share in its region's mixture times its density at one pixel. */
    void densities(Planes values, int pixel, double[] to) {
        read(values, pixel);
        Arrays.fill(to, 0);
        for (int k = 0; k < MONOMIALS; k++) {
            double monomial = monomials[k];
            double[] row = coefficients[k];
            for (int c = 0; c < ALL; c++) {
                to[c] += monomial * row[c];
            }
        }
        for (int c = 0; c < ALL; c++) {
            to[c] = Math.exp(Math.max(-600, Math.min(300, to[c])));
        }
    }

    /** The coefficients of one Gaussian, from the sums of the monomials over its pixels. */
    private static double[] fit(double[] sums, double share) {
        double[] to = new double[MONOMIALS];
        double weight = sums[0] + LEAST;
        double[][] covariance = new double[VALUES][VALUES];
        int at = 1 + VALUES;
        for (int k = 0; k < VALUES; k++) {
            for (int l = k; l < VALUES; l++) {
                covariance[k][l] = sums[at++] / weight - sums[1 + k] / weight * (sums[1 + l] / weight);
                covariance[l][k] = covariance[k][l];
            }
            covariance[k][k] += SPREAD;
        }
        double[][] precision = new double[VALUES][VALUES];
        double logarithm = invert(covariance, precision);
        double square = 0;
        for (int k = 0; k < VALUES; k++) {
            to[1 + k] = 0;
            for (int l = 0; l < VALUES; l++) {
                to[1 + k] += precision[k][l] * (sums[1 + l] / weight);
            }
            square += to[1 + k] * (sums[1 + k] / weight);
        }
        to[0] = Math.log(share) - (logarithm + square) / 2;
        at = 1 + VALUES;
        for (int k = 0; k < VALUES; k++) {
            for (int l = k; l < VALUES; l++) {
                to[at++] = k == l ? -precision[k][k] / 2 : -precision[k][l]; // off the diagonal once for two
            }
        }
        return to;
    }

    /** The inverse of a positive definite matrix, which is overwritten; returns the logarithm of its determinant. */
    private static double invert(double[][] matrix, double[][] inverse) {
        double logarithm = 0;
        for (int k = 0; k < VALUES; k++) {
            inverse[k][k] = 1;
        }
        for (int pivot = 0; pivot < VALUES; pivot++) {
            double scale = matrix[pivot][pivot];
            logarithm += Math.log(scale);
            for (int l = 0; l < VALUES; l++) {
                matrix[pivot][l] /= scale;
                inverse[pivot][l] /= scale;
            }
            for (int k = 0; k < VALUES; k++) {
                double factor = k == pivot ? 0 : matrix[k][pivot];
                for (int l = 0; l < VALUES; l++) {
                    matrix[k][l] -= factor * matrix[pivot][l];
                    inverse[k][l] -= factor * inverse[pivot][l];
                }
            }
        }
        return logarithm;
    }

    /**
     * Shares of pixels in the Gaussians to begin with: each region's pixels, parted by their lightness.
     *
     * @param found the shares of each pixel in the regions.
     */
    static double[] byLightness(Planes values, double[] found) {
        int count = values.width * values.height;
        long[] order = new long[count];
        for (int i = 0; i < count; i++) { // no lightness is negative, so that its bits have its order
            order[i] = (long) Float.floatToIntBits(values.values[VALUES * i]) << 32 | i;
        }
        Arrays.sort(order);
        double[] parts = new double[ALL * count];
        int regions = KERNELS.length;
        for (int k = 0, first = 0; k < regions; first += KERNELS[k++]) {
            double all = 0;
            for (int i = 0; i < count; i++) {
                all += found[regions * i + k];
            }
            double sum = 0;
            for (long one : order) {
                int pixel = (int) one;
                sum += found[regions * pixel + k];
                int rank = Math.min((int) (sum / all * KERNELS[k]), KERNELS[k] - 1);
                parts[ALL * pixel + first + rank] = found[regions * pixel + k];
            }
        }
        return parts;
    }
}
