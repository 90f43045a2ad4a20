package io.github.lomit_tf.demo.core;

/** A picture's colours 0..255 row by row, red, green and blue side by side; to be read by several threads. */
abstract class Rows {
    final int width;
    final int height;

    Rows(int width, int height) {
        this.width = width;
        this.height = height;
    }

    /** Fills the first 3 x width values. */
    abstract void read(int y, float[] rgb);

    /** A window of a picture; beyond the border its last pixels are repeated. */
    static Rows of(Picture picture, Window window) {
        return of(picture, window, null);
    }

    /** The same once pixels of the picture have moved; null where none does. */
    static Rows of(final Picture picture, final Window window, final Moving moving) {
        if (window.angle != 0) {
            return turned(picture, window, moving);
        }
        return new Rows(window.width, window.height) {
            @Override
            void read(int y, float[] rgb) {
                int row = clamp(window.top + y, picture.height);
                for (int x = 0; x < width; x++) {
                    int pixel = Moving.argb(picture, moving, clamp(window.left + x, picture.width), row);
                    rgb[3 * x] = pixel >> 16 & 255;
                    rgb[3 * x + 1] = pixel >> 8 & 255;
                    rgb[3 * x + 2] = pixel & 255;
                }
            }
        };
    }

    /** A turned window, sampled bilinearly and rounded: framing.cut. */
    private static Rows turned(final Picture picture, final Window window, final Moving moving) {
        final Affine to = window.toPicture();
        return new Rows(window.width, window.height) {
            @Override
            void read(int y, float[] rgb) {
                for (int x = 0; x < width; x++) {
                    Affine.sample(picture, moving, to.x(x, y), to.y(x, y), true, rgb, 3 * x);
                }
            }
        };
    }

    static Rows averaged(Rows rows, int width, int height) {
        return of(averagedPicture(rows, width, height), new Window(0, 0, width, height));
    }

    /** A smaller copy, averaged and rounded: OpenCV's INTER_AREA, halved before it where that is exact (averaging.py). */
    static Picture averagedPicture(final Rows rows, int width, int height) {
        final boolean halved = rows.width == 2 * width && rows.height == 2 * height;
        boolean even = rows.width % 2 == 0 && rows.height % 2 == 0;
        if (even && !halved && rows.width >= 2 * width && rows.height >= 2 * height) {
            return averagedPicture(averaged(rows, rows.width / 2, rows.height / 2), width, height);
        }
        final Filter across = Filter.area(rows.width, width);
        final Filter down = Filter.area(rows.height, height);
        final int[] argb = new int[width * height];
        final int toWidth = width;
        Bands.run(height, 16, new Bands.Task() {
            @Override
            public void run(int from, int to) {
                float[] wide = new float[3 * rows.width];
                float[] narrow = new float[3 * toWidth];
                float[] sum = new float[3 * toWidth];
                for (int y = from; y < to; y++) {
                    java.util.Arrays.fill(sum, 0f);
                    for (int k = 0; k < down.weights[y].length; k++) {
                        rows.read(down.start[y] + k, wide);
                        Planes.across(across, wide, 0, narrow, 0, 3);
                        for (int i = 0; i < sum.length; i++) {
                            sum[i] += down.weights[y][k] * narrow[i];
                        }
                    }
                    if (halved) { // OpenCV rounds means of 2 x 2 pixels half up
                        for (int i = 0; i < sum.length; i++) {
                            sum[i] = (float) Math.floor(sum[i] + 0.5f);
                        }
                    }
                    for (int x = 0; x < toWidth; x++) {
                        argb[y * toWidth + x] = Preprocess.pixel(sum[3 * x], sum[3 * x + 1], sum[3 * x + 2]);
                    }
                }
            }
        });
        return new Picture(width, height, argb);
    }

    static int clamp(int place, int size) {
        return Math.max(0, Math.min(size - 1, place));
    }
}
