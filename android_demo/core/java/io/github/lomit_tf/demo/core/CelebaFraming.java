package io.github.lomit_tf.demo.core;

/**
 * Where CelebA's 178 px centre crop would lie around a face: lomit_tf/imaging/celeba_framing.py, which has the equation
 * and where the numbers come from.
 */
final class CelebaFraming {
    /** Where a face's points lie in the crop, -1/2..1/2. */
    static final double[][] SHAPE = {
        {-0.1111, 0.0217},
        {0.1111, 0.0217},
        {0.0, 0.1591},
        {0.0, 0.2665},
        {-0.2329, 0.0695},
        {0.2329, 0.0695},
    };
    /** Rows: x of the points, y of the points, 1. Columns: logarithm of the side, angle, x and y of the centre. */
    static final double[][] CORRECTION = {
        {1.8228, 0.0569, 0.2528, 0.126},
        {-1.8228, 0.0569, 0.2528, -0.126},
        {0.0, 0.6534, 0.2038, 0.0},
        {0.0, -0.242, -0.4278, 0.0},
        {-0.2675, -0.2626, -0.1408, -0.158},
        {0.2675, -0.2626, -0.1408, 0.158},
        {0.4115, -0.6583, -0.4885, 0.338},
        {0.4115, 0.6583, 0.4885, 0.338},
        {-3.1983, 0.0, 0.0, -0.2968},
        {3.0783, 0.0, 0.0, 0.0676},
        {-0.3515, 0.3022, 0.4265, -0.2234},
        {-0.3515, -0.3022, -0.4265, -0.2234},
        {0.0069, 0.0, 0.0, -0.0001},
    };
    private static final double MOST = 0.25;

    private CelebaFraming() {}

    /** Of the points' x and y: x and y of the crop's upper side, and of its centre. */
    static double[] around(double[] points) {
        double x = 0;
        double y = 0;
        double shapeX = 0;
        double shapeY = 0;
        for (int i = 0; i < Face.POINTS; i++) {
            x += points[2 * i] / Face.POINTS;
            y += points[2 * i + 1] / Face.POINTS;
            shapeX += SHAPE[i][0] / Face.POINTS;
            shapeY += SHAPE[i][1] / Face.POINTS;
        }
        double real = 0;
        double imaginary = 0;
        double size = 0;
        for (int i = 0; i < Face.POINTS; i++) {
            double p = SHAPE[i][0] - shapeX;
            double q = SHAPE[i][1] - shapeY;
            double u = points[2 * i] - x;
            double v = points[2 * i + 1] - y;
            real += p * u + q * v;
            imaginary += p * v - q * u;
            size += p * p + q * q;
        }
        real /= size;
        imaginary /= size;
        double fromX = x - (real * shapeX - imaginary * shapeY);
        double fromY = y - (imaginary * shapeX + real * shapeY);
        double square = real * real + imaginary * imaginary;
        double[] add = CORRECTION[2 * Face.POINTS].clone();
        for (int i = 0; i < Face.POINTS; i++) {
            double u = points[2 * i] - fromX;
            double v = points[2 * i + 1] - fromY;
            double leftX = (real * u + imaginary * v) / square - SHAPE[i][0];
            double leftY = (real * v - imaginary * u) / square - SHAPE[i][1];
            for (int k = 0; k < add.length; k++) {
                add[k] += leftX * CORRECTION[i][k] + leftY * CORRECTION[Face.POINTS + i][k];
            }
        }
        for (int k = 0; k < add.length; k++) {
            add[k] = Math.max(-MOST, Math.min(MOST, add[k]));
        }
        double grow = Math.exp(add[0]);
        double cosine = grow * Math.cos(add[1]);
        double sine = grow * Math.sin(add[1]);
        return new double[] {
            real * cosine - imaginary * sine, real * sine + imaginary * cosine,
            fromX + real * add[2] - imaginary * add[3], fromY + imaginary * add[2] + real * add[3],
        };
    }
}
