package io.github.lomit_tf.demo.core;

/**
 * A rectangle in a picture, in pixels, turned about its centre (lomit_tf/imaging/framing.py). A face's may reach beyond
 * the picture, whose border is repeated there.
 */
public final class Window {
    public final int left;
    public final int top;
    public final int width;
    public final int height;
    /** Degrees, clockwise as one sees it; at 0 the window consists of the picture's own pixels. */
    public final double angle;

    public Window(int left, int top, int width, int height) {
        this(left, top, width, height, 0);
    }

    public Window(int left, int top, int width, int height, double angle) {
        if (width < 1 || height < 1) {
            throw new IllegalArgumentException("no window: " + left + "," + top + "," + width + "," + height);
        }
        this.left = left;
        this.top = top;
        this.width = width;
        this.height = height;
        this.angle = angle;
    }

    /** The largest centred square; an odd margin leaves the extra pixel at the bottom or right (centre_crop). */
    public static Window centred(int width, int height) {
        int side = Math.min(width, height);
        return new Window((width - side) / 2, (height - side) / 2, side, side);
    }

    /** x, y in the picture of the window's pixel in column i and row j; pixel centres are whole numbers. */
    Affine toPicture() {
        double cosine = angle == 0 ? 1 : Math.cos(Math.toRadians(angle));
        double sine = angle == 0 ? 0 : Math.sin(Math.toRadians(angle));
        double x = left + width / 2.0 - 0.5;
        double y = top + height / 2.0 - 0.5;
        double i = (width - 1) / 2.0;
        double j = (height - 1) / 2.0;
        return new Affine(cosine, -sine, x - cosine * i + sine * j, sine, cosine, y - sine * i - cosine * j);
    }

    /** The way back, from pixels of a part of a picture, as `inside` says it. */
    Affine fromPicture(int[] part) {
        Affine back = toPicture().inverted();
        return new Affine(back.a, back.b, back.a * part[0] + back.b * part[1] + back.c,
                back.d, back.e, back.d * part[0] + back.e * part[1] + back.f);
    }

    /** x and y of the corners: upper left, upper right, lower right, lower left. */
    private double[][] corners() {
        Affine to = toPicture();
        double right = width - 0.5;
        double bottom = height - 0.5;
        return new double[][] {
            to.at(-0.5, -0.5), to.at(right, -0.5), to.at(right, bottom), to.at(-0.5, bottom),
        };
    }

    /** First column and row, and the ones after the last, of the part of a picture that it covers, or that is around it. */
    int[] inside(int pictureWidth, int pictureHeight) {
        double[] low = {left, top};
        double[] high = {left + width, top + height};
        if (angle != 0) {
            double[][] corners = corners();
            for (int axis = 0; axis < 2; axis++) {
                double least = Double.MAX_VALUE;
                double most = -Double.MAX_VALUE;
                for (double[] corner : corners) {
                    least = Math.min(least, corner[axis]);
                    most = Math.max(most, corner[axis]);
                }
                low[axis] = Math.floor(least);
                high[axis] = Math.ceil(most) + 1;
            }
        }
        return new int[] {
            (int) Math.min(Math.max(0, low[0]), pictureWidth), (int) Math.min(Math.max(0, low[1]), pictureHeight),
            (int) Math.max(0, Math.min(pictureWidth, high[0])), (int) Math.max(0, Math.min(pictureHeight, high[1])),
        };
    }

    /** Whether its left, upper, right and lower side lie, at least in part, within a picture. */
    boolean[] endsWithin(int pictureWidth, int pictureHeight) {
        if (angle == 0) {
            return new boolean[] {left > 0, top > 0, left + width < pictureWidth, top + height < pictureHeight};
        }
        double[][] corners = corners();
        boolean[] within = new boolean[4];
        for (int side = 0; side < 4; side++) {
            double[] one = corners[(side + 3) % 4];
            double[] other = corners[side];
            for (int step = 0; step <= 64; step++) {
                double x = one[0] + (other[0] - one[0]) * step / 64;
                double y = one[1] + (other[1] - one[1]) * step / 64;
                within[side] |= x > 0 && y > 0 && x < pictureWidth - 1 && y < pictureHeight - 1;
            }
        }
        return within;
    }

    @Override
    public String toString() {
        return left + "," + top + "," + width + "," + height + (angle == 0 ? "" : "," + (float) angle);
    }
}
