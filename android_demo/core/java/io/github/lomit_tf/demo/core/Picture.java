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
}
