package io.github.lomit_tf.demo.core;

/** An upright picture: opaque pixels 0xAARRGGBB row by row, as Android's Bitmap.getPixels gives them. */
public final class Picture {
    private static final int GREY = 4; // of 255: photographs of faces have some 30, scans and JPEGs of grey ones less
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
     * Whether it has no colours but the traces that JPEG and scanners leave, wherever a window covers it, or is around:
     * the largest of a pixel's three values is, on average, at most GREY above the smallest one.
     */
    boolean isGrey(Window window) {
        int[] inside = window.inside(width, height);
        long left = (long) GREY * (inside[2] - inside[0]) * (inside[3] - inside[1]);
        for (int y = inside[1]; y < inside[3]; y++) {
            for (int x = inside[0]; x < inside[2]; x++) {
                int pixel = argb[y * width + x];
                int red = pixel >> 16 & 255;
                int green = pixel >> 8 & 255;
                int blue = pixel & 255;
                left -= Math.max(Math.max(red, green), blue) - Math.min(Math.min(red, green), blue);
            }
        }
        return left >= 0;
    }
}
