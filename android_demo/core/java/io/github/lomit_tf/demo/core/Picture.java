package io.github.lomit_tf.demo.core;

/** An upright picture: opaque pixels 0xAARRGGBB row by row, as Android's Bitmap.getPixels gives them. */
public final class Picture {
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

    /** Whether red, green and blue are equal wherever a window covers it, or is around. */
    boolean isGrey(Window window) {
        int[] inside = window.inside(width, height);
        for (int y = inside[1]; y < inside[3]; y++) {
            for (int x = inside[0]; x < inside[2]; x++) {
                int pixel = argb[y * width + x];
                if ((pixel & 255) != (pixel >> 8 & 255) || (pixel & 255) != (pixel >> 16 & 255)) {
                    return false;
                }
            }
        }
        return true;
    }
}
