package io.github.lomit_tf.demo.core;

/**
 * Pixels of a picture that move: each takes the colours of a place a displacement away from it, cubic as OpenCV's remap
 * samples, at 32 places between two pixels (lomit_tf/imaging/moving.py). Kept are those of a box in the picture, in steps of
 * 1/128 grey level, so that they are rounded once, with what is painted on them: six bytes for each of its pixels.
 */
final class Moving {
    /** Pixels, by which nothing is seen to move. */
    private static final float LEAST = 1 / 64f;
    private static final int STEPS = 32;
    private static final float LEVEL = 128f;
    /** For each of STEPS places, the shares of the pixel before the last, the last, the next, and the one after it. */
    private static final float[][] SHARES = shares();

    private final Picture picture;
    private final int[] box;
    private final short[] levels;

    private Moving(Picture picture, int[] box) {
        this.picture = picture;
        this.box = box;
        levels = new short[3 * (box[2] - box[0]) * (box[3] - box[1])];
    }

    /**
     * What the model sees, moved: x(p + d(p)), bilinear; beyond the edges the nearest pixels.
     *
     * @param seen size x size x channels.
     * @param displacement size x size x 2 in pixels, to the right and downwards.
     */
    static Planes moved(Planes seen, Planes displacement) {
        Planes made = new Planes(seen.width, seen.height, seen.channels, seen.values.clone());
        for (int i = 0; i < seen.width * seen.height; i++) {
            float across = displacement.values[2 * i];
            float along = displacement.values[2 * i + 1];
            if (stays(across, along)) {
                continue;
            }
            int x = steps(i % seen.width, across);
            int y = steps(i / seen.width, along);
            float right = Affine.right(x);
            float below = Affine.right(y);
            for (int c = 0; c < seen.channels; c++) {
                float sum = 0f;
                for (int k = 0; k < 4; k++) {
                    int column = Rows.clamp(Affine.pixel(x) + (k & 1), seen.width);
                    int row = Rows.clamp(Affine.pixel(y) + (k >> 1), seen.height);
                    float weight = ((k & 1) == 0 ? 1f - right : right) * (k >> 1 == 0 ? 1f - below : below);
                    sum += weight * seen.values[(row * seen.width + column) * seen.channels + c];
                }
                made.values[i * seen.channels + c] = sum;
            }
        }
        return made;
    }

    /**
     * The picture's pixels, moved in a window; null where nothing moves.
     *
     * @param displacement size x size x 2 in pixels of the model, along the window's rows and columns.
     * @param strength 0 moves nothing.
     */
    static Moving of(Picture picture, Window window, Planes displacement, float strength) {
        final DisplacementField field =
                DisplacementField.of(displacement, window, picture.width, picture.height, strength);
        if (field == null) {
            return null;
        }
        final Moving made = new Moving(picture, field.box);
        Bands.run(made.box[3] - made.box[1], 16, new Bands.Task() {
            @Override
            public void run(int from, int to) {
                float[] by = new float[2];
                for (int y = made.box[1] + from; y < made.box[1] + to; y++) {
                    for (int x = made.box[0]; x < made.box[2]; x++) {
                        field.at(x, y, by);
                        made.set(x, y, by, field.inside);
                    }
                }
            }
        });
        return made;
    }

    private static boolean stays(float across, float along) {
        return Math.max(Math.abs(across), Math.abs(along)) < LEAST;
    }

    /** A place in steps. */
    private static int steps(int at, float by) {
        return (int) Math.rint(STEPS * (at + by));
    }

    /** Sets a pixel; beyond the part of the picture that is sampled its edges are repeated. */
    private void set(int x, int y, float[] by, int[] part) {
        int to = 3 * ((y - box[1]) * (box[2] - box[0]) + x - box[0]);
        if (stays(by[0], by[1])) {
            int argb = picture.argb[y * picture.width + x];
            for (int c = 0; c < 3; c++) {
                levels[to + c] = (short) ((argb >> 16 - 8 * c & 255) * (int) LEVEL);
            }
            return;
        }
        int column = steps(x - part[0], by[0]);
        int row = steps(y - part[1], by[1]);
        float red = 0f;
        float green = 0f;
        float blue = 0f;
        for (int k = 0; k < 4; k++) {
            int line = (part[1] + Rows.clamp(Affine.pixel(row) + k - 1, part[3] - part[1])) * picture.width + part[0];
            float along = SHARES[row & STEPS - 1][k];
            for (int n = 0; n < 4; n++) {
                float share = along * SHARES[column & STEPS - 1][n];
                int argb = picture.argb[line + Rows.clamp(Affine.pixel(column) + n - 1, part[2] - part[0])];
                red += share * (argb >> 16 & 255);
                green += share * (argb >> 8 & 255);
                blue += share * (argb & 255);
            }
        }
        levels[to] = level(red);
        levels[to + 1] = level(green);
        levels[to + 2] = level(blue);
    }

    private static short level(float value) { // which overshoots beside edges
        return (short) Math.rint(LEVEL * Math.max(0f, Math.min(255f, value)));
    }

    /** Red, green and blue, 0..255 and not rounded, of the picture's pixel in column x and row y. */
    void read(int x, int y, float[] rgb) {
        boolean kept = x >= box[0] && y >= box[1] && x < box[2] && y < box[3];
        int argb = picture.argb[y * picture.width + x];
        int from = kept ? 3 * ((y - box[1]) * (box[2] - box[0]) + x - box[0]) : 0;
        for (int c = 0; c < 3; c++) {
            rgb[c] = kept ? levels[from + c] / LEVEL : argb >> 16 - 8 * c & 255;
        }
    }

    /** A pixel of a picture as it is after the moving, if there is any, rounded. */
    static int argb(Picture picture, Moving moving, int x, int y) {
        int[] box = moving == null ? null : moving.box;
        if (box == null || x < box[0] || y < box[1] || x >= box[2] || y >= box[3]) {
            return picture.argb[y * picture.width + x];
        }
        int from = 3 * ((y - box[1]) * (box[2] - box[0]) + x - box[0]);
        return Preprocess.pixel(moving.levels[from] / LEVEL, moving.levels[from + 1] / LEVEL,
                moving.levels[from + 2] / LEVEL);
    }

    /** OpenCV's INTER_CUBIC. */
    private static float[][] shares() {
        float[][] shares = new float[STEPS][];
        for (int step = 0; step < STEPS; step++) {
            float x = step / (float) STEPS;
            shares[step] = new float[] {far(x + 1f), near(x), near(1f - x), far(2f - x)};
        }
        return shares;
    }

    private static float near(float distance) {
        return (1.25f * distance - 2.25f) * distance * distance + 1f;
    }

    private static float far(float distance) {
        return ((-0.75f * distance + 3.75f) * distance - 6f) * distance + 3f;
    }
}
