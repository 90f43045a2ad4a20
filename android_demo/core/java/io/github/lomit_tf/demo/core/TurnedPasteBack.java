package io.github.lomit_tf.demo.core;

/**
 * PasteBack.add for a turned window: what was made at the window's own pixels is sampled at the picture's, bilinearly as
 * framing.uncut does it. That takes ten bytes for each pixel of the window.
 */
final class TurnedPasteBack {
    private static final float LEVEL = 128f * 255f; // of a change, in units of white: 1/128 grey level

    private final Window window;
    private final short[] change;
    private final float[] share;
    private final float[] across;
    private final float[] down;

    private TurnedPasteBack(Window window, boolean[] within) {
        this.window = window;
        change = new short[3 * window.width * window.height];
        share = new float[window.width * window.height];
        across = PasteBack.fading(window.width, within[0], within[2]);
        down = PasteBack.fading(window.height, within[1], within[3]);
    }

    static Picture add(final Picture picture, final Window window, Planes small, final Planes weights,
            final float strength, final Moving moving, boolean grey) {
        final TurnedPasteBack kept = new TurnedPasteBack(window, window.endsWithin(picture.width, picture.height));
        final Filter[] where = Filter.raising(weights.width, weights.height, window.width, window.height);
        Rows guide = Rows.of(picture, window, moving);
        PasteBack.raise(small, guide, 0, window.height - 1, grey, new GuidedStep.Sink() {
            @Override
            public void row(int y, float[] line, int offset) {
                float[] narrow = new float[weights.width];
                int at = y * window.width;
                weights.row(where[1], y, narrow, 0);
                Planes.across(where[0], narrow, 0, kept.share, at, 1);
                for (int i = 0; i < 3 * window.width; i++) {
                    kept.change[3 * at + i] = (short) Math.round(LEVEL * Math.max(-1f, Math.min(1f, line[offset + i])));
                }
            }
        });
        final int[] argb = picture.argb.clone();
        final int[] inside = window.inside(picture.width, picture.height);
        final Affine to = window.fromPicture(inside);
        Bands.run(inside[3] - inside[1], 16, new Bands.Task() {
            @Override
            public void run(int from, int until) {
                float[] found = new float[5];
                float[] rgb = new float[3];
                for (int y = from; y < until; y++) {
                    for (int x = 0; x < inside[2] - inside[0]; x++) {
                        kept.sample(to.x(x, y), to.y(x, y), found);
                        float share = Math.min(1f, found[3]);
                        int at = (inside[1] + y) * picture.width + inside[0] + x;
                        argb[at] = PasteBack.pixel(argb[at], moving, inside[0] + x, inside[1] + y, share,
                                share * found[4], strength, found, 0, rgb);
                    }
                }
            }
        });
        return new Picture(picture.width, picture.height, argb);
    }

    /** The change of red, green and blue, the masks' share and the fading at a place in steps; 0 beyond the window. */
    private void sample(int x, int y, float[] found) {
        java.util.Arrays.fill(found, 0f);
        float right = Affine.right(x);
        float below = Affine.right(y);
        for (int k = 0; k < 4; k++) {
            int column = Affine.pixel(x) + (k & 1);
            int row = Affine.pixel(y) + (k >> 1);
            if (column < 0 || row < 0 || column >= window.width || row >= window.height) {
                continue;
            }
            float weight = ((k & 1) == 0 ? 1f - right : right) * (k >> 1 == 0 ? 1f - below : below);
            int at = row * window.width + column;
            for (int c = 0; c < 3; c++) {
                found[c] += weight * change[3 * at + c] / LEVEL;
            }
            found[3] += weight * share[at];
            found[4] += weight * across[column] * down[row];
        }
    }
}
