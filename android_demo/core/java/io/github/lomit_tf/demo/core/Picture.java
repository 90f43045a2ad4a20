package io.github.lomit_tf.demo.core;

/** An upright picture: opaque pixels 0xAARRGGBB row by row, as Android's Bitmap.getPixels gives them. */
public final class Picture {
    private static final double TRACES = 5; // of 255: what JPEG and scanners leave of colours in grey pictures
    public final int width;
    public final int height;
    public final int[] argb;

    /** @throws IllegalArgumentException if the array has not width x height pixels. */
    public Picture(int width, int height, int[] argb) {
        if (width < 1 || height < 1 || (long) width * height != argb.length) {
            throw new IllegalArgumentException(
                    "a picture of " + width + "x" + height + " cannot have " + argb.length + " pixels");
        }
        this.width = width;
        this.height = height;
        this.argb = argb;
    }

    /**
     * Whether it is grey, or of one tint that follows its brightness, wherever a window covers it, or is around:
     * paste_back.monochrome.
     */
    boolean isMonochrome(Window window) {
        int[] inside = window.inside(width, height);
        double[] sums = new double[3];
        double[] products = new double[5]; // of y y, u u + v v, y u and y v, and how many
        for (int at = inside[1]; at < inside[3]; at++) {
            for (int x = inside[0]; x < inside[2]; x++) {
                int pixel = argb[at * width + x];
                int green = pixel >> 8 & 255;
                int u = (pixel >> 16 & 255) - green;
                int v = (pixel & 255) - green;
                int y = u + v + 4 * green;
                sums[0] += y;
                sums[1] += u;
                sums[2] += v;
                products[0] += y * y;
                products[1] += u * u + v * v;
                products[2] += y * u;
                products[3] += y * v;
                products[4]++;
            }
        }
        double n = products[4];
        double brightness = products[0] / n - sums[0] / n * (sums[0] / n);
        double left = products[1] / n - (sums[1] * sums[1] + sums[2] * sums[2]) / (n * n);
        if (brightness > 0) {
            double ofU = products[2] / n - sums[0] / n * (sums[1] / n);
            double ofV = products[3] / n - sums[0] / n * (sums[2] / n);
            left -= (ofU * ofU + ofV * ofV) / brightness;
        }
        return left <= TRACES * TRACES;
    }
}
