package io.github.lomit_tf.demo.core;

/**
 * Local colour curves, applied to a picture at its own size (lomit_tf/imaging/curves.py has the equation): what a coarse
 * grid of curves says of a pixel's luminance changes its colour, as far as the masks show it.
 */
public final class Curves {
    /** Luminances that a curve has a colour change for. */
    public static final int BINS = 8;
    /** Numbers of one curve: the change of red, green and blue, and of saturation, of each bin. */
    public static final int CURVE = 4 * BINS;
    private static final int BAND = 32;
    /** A pixel whose centre lies on a border counts; without the margin, rounding would decide. */
    private static final double MARGIN = 1e-6;

    private Curves() {}

    /** Where a window lies: u = map[0] x + map[1] y + map[2], v = map[3] x + map[4] y + map[5], 0..1 in the window. */
    public static double[] map(Window window) {
        Affine to = window.toPicture().inverted(); // pixels of the window, whose centres are whole numbers
        return new double[] {
            to.a / window.width, to.b / window.width, (to.c + 0.5) / window.width,
            to.d / window.height, to.e / window.height, (to.f + 0.5) / window.height,
        };
    }

    /**
     * The picture with the curves' change.
     *
     * @param curves h x w x (groups x BINS x 4), channel (group * BINS + bin) * 4 + colour, in the model's -1..1, and of
     *     saturation; they go on beyond their window by their edges.
     * @param masks of any size, one channel for each group, 0..1; 0 beyond their window.
     * @param toCurves the picture's x, y of pixel centres (0, 1, 2...) to the curves' 0..1, as of `map`.
     * @param toMasks the same for the masks.
     * @param strength 0 leaves the picture as it is, more than 1 exaggerates.
     */
    public static Picture apply(final Picture picture, final Planes curves, final Planes masks, final double[] toCurves,
            final double[] toMasks, final float strength) {
        if (curves.channels != masks.channels * CURVE) {
            throw new IllegalArgumentException(masks.channels + " masks need " + masks.channels * CURVE
                    + " channels of curves, not " + curves.channels);
        }
        final int[] argb = picture.argb.clone();
        final boolean[] painted = painted(curves, masks.channels);
        Bands.run(picture.height, BAND, new Bands.Task() {
            @Override
            public void run(int from, int to) {
                Taps mask = new Taps(masks, toMasks);
                Taps grid = new Taps(curves, toCurves);
                float[] change = new float[3];
                for (int y = from; y < to; y++) {
                    for (int x = 0; x < picture.width; x++) {
                        if (!mask.covers(x, y)) {
                            continue;
                        }
                        mask.look(x, y);
                        boolean found = false;
                        for (int g = 0; g < masks.channels; g++) {
                            float weight = painted[g] ? mask.at(g) : 0f;
                            if (weight < PasteBack.MASK_FLOOR) {
                                continue;
                            }
                            if (!found) {
                                found = true;
                                grid.look(x, y);
                                java.util.Arrays.fill(change, 0f);
                            }
                            add(grid, g, argb[y * picture.width + x], weight * strength, change);
                        }
                        if (found) {
                            int pixel = argb[y * picture.width + x];
                            argb[y * picture.width + x] = Preprocess.pixel((pixel >> 16 & 255) + change[0],
                                    (pixel >> 8 & 255) + change[1], (pixel & 255) + change[2]);
                        }
                    }
                }
            }
        });
        return new Picture(picture.width, picture.height, argb);
    }

    /** Adds what one group's curves say of a pixel: linear in luminance between the centres of two bins. */
    private static void add(Taps grid, int group, int pixel, float weight, float[] change) {
        float light = 0.299f * (pixel >> 16 & 255) + 0.587f * (pixel >> 8 & 255) + 0.114f * (pixel & 255);
        float place = Math.max(0f, Math.min(BINS - 1f, BINS * (light / 255f) - 0.5f));
        int bin = Math.min(BINS - 2, (int) place);
        float share = place - bin;
        int channel = group * CURVE + 4 * bin;
        float saturation = (1f - share) * grid.at(channel + 3) + share * grid.at(channel + 7);
        for (int c = 0; c < 3; c++) {
            float colour = (1f - share) * grid.at(channel + c) + share * grid.at(channel + 4 + c);
            float away = (pixel >> 16 - 8 * c & 255) - light;
            change[c] += weight * (127.5f * colour + saturation * away);
        }
    }

    /** Which groups have curves at all; the others are left alone. */
    private static boolean[] painted(Planes curves, int groups) {
        boolean[] painted = new boolean[groups];
        for (int i = 0; i < curves.values.length; i++) {
            painted[i % curves.channels / CURVE] |= curves.values[i] != 0f;
        }
        return painted;
    }

    /** Bilinear samples of planes that lie in a picture by an affine map; half-pixel centres, edges repeated. */
    private static final class Taps {
        private final Planes planes;
        private final double[] map;
        private final int[] corners = new int[4];
        private final float[] weights = new float[4];

        Taps(Planes planes, double[] map) {
            this.planes = planes;
            this.map = map;
        }

        boolean covers(int x, int y) {
            double u = map[0] * x + map[1] * y + map[2];
            double v = map[3] * x + map[4] * y + map[5];
            return u >= -MARGIN && u <= 1 + MARGIN && v >= -MARGIN && v <= 1 + MARGIN;
        }

        /** Goes to a pixel of the picture. */
        void look(int x, int y) {
            double u = (map[0] * x + map[1] * y + map[2]) * planes.width - 0.5;
            double v = (map[3] * x + map[4] * y + map[5]) * planes.height - 0.5;
            int left = (int) Math.floor(u);
            int top = (int) Math.floor(v);
            float across = (float) (u - left);
            float down = (float) (v - top);
            set(0, left, top, (1f - across) * (1f - down));
            set(1, left + 1, top, across * (1f - down));
            set(2, left, top + 1, (1f - across) * down);
            set(3, left + 1, top + 1, across * down);
        }

        float at(int channel) {
            float[] v = planes.values;
            return weights[0] * v[corners[0] + channel] + weights[1] * v[corners[1] + channel]
                    + weights[2] * v[corners[2] + channel] + weights[3] * v[corners[3] + channel];
        }

        private void set(int corner, int x, int y, float weight) {
            int column = Rows.clamp(x, planes.width);
            int row = Rows.clamp(y, planes.height);
            corners[corner] = (row * planes.width + column) * planes.channels;
            weights[corner] = weight;
        }
    }
}
