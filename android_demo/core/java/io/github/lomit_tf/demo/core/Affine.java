package io.github.lomit_tf.demo.core;

/** x = a i + b j + c, y = d i + e j + f; and bilinear sampling through it in steps of 1/32 pixel, as OpenCV's warpAffine. */
final class Affine {
    private static final int FINE = 1024;
    private static final int STEPS = 32;

    final double a;
    final double b;
    final double c;
    final double d;
    final double e;
    final double f;

    Affine(double a, double b, double c, double d, double e, double f) {
        this.a = a;
        this.b = b;
        this.c = c;
        this.d = d;
        this.e = e;
        this.f = f;
    }

    double[] at(double i, double j) {
        return new double[] {a * i + b * j + c, d * i + e * j + f};
    }

    Affine inverted() {
        double determinant = a * e - b * d;
        double p = e / determinant;
        double q = -b / determinant;
        double r = -d / determinant;
        double s = a / determinant;
        return new Affine(p, q, -p * c - q * f, r, s, -r * c - s * f);
    }

    /** 32 x of column i and row j. */
    int x(int i, int j) {
        return steps(a * i, b * j + c);
    }

    /** 32 y of column i and row j. */
    int y(int i, int j) {
        return steps(d * i, e * j + f);
    }

    private static int steps(double along, double across) {
        return (int) ((long) Math.rint(FINE * along) + (long) Math.rint(FINE * across) + FINE / STEPS / 2)
                >> 5;
    }

    /** Shares of the pixel at the left of a place in steps, and of the one at its right. */
    static float right(int steps) {
        return (steps & STEPS - 1) / (float) STEPS;
    }

    static int pixel(int steps) {
        return steps >> 5;
    }

    /** Red, green and blue, rounded (halves up), at a place in steps; beyond the border its last pixels, or black. */
    static void sample(Picture picture, int x, int y, boolean edge, float[] rgb, int offset) {
        sample(picture, null, x, y, edge, rgb, offset);
    }

    /** The same once pixels of the picture have moved; null where none does. */
    static void sample(Picture picture, Moving moving, int x, int y, boolean edge, float[] rgb, int offset) {
        float right = right(x);
        float below = right(y);
        rgb[offset] = 0f;
        rgb[offset + 1] = 0f;
        rgb[offset + 2] = 0f;
        for (int k = 0; k < 4; k++) {
            int column = pixel(x) + (k & 1);
            int row = pixel(y) + (k >> 1);
            boolean there = column >= 0 && row >= 0 && column < picture.width && row < picture.height;
            if (!there && !edge) {
                continue;
            }
            float weight = ((k & 1) == 0 ? 1f - right : right) * (k >> 1 == 0 ? 1f - below : below);
            int argb = Moving.argb(picture, moving, Rows.clamp(column, picture.width), Rows.clamp(row, picture.height));
            rgb[offset] += weight * (argb >> 16 & 255);
            rgb[offset + 1] += weight * (argb >> 8 & 255);
            rgb[offset + 2] += weight * (argb & 255);
        }
        for (int c = offset; c < offset + 3; c++) {
            rgb[c] = (float) Math.floor(rgb[c] + 0.5f);
        }
    }
}
