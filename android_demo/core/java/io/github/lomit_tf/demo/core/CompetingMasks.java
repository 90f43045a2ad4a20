package io.github.lomit_tf.demo.core;

/**
 * Masks of a photograph's window whose region competes with skin, background and clothes for each pixel by the picture's
 * own colours, as hair does (lomit_tf/imaging/competing.py; docs/method.md, eq. (10.8)).
 */
final class CompetingMasks {
    private static final int LAYOUT_ROUNDS = 4; // of the expectation maximisation, for the layout
    private static final int ROUNDS = 3; // and then for the regions
    private static final float LOW = 0.25f; // a region's share is a mask of 0 below this
    private static final float HIGH = 0.6f; // and of 1 above this
    private static final float SKIN_COUNTS = 2f; // times: a rim of skin that is painted shows more than hair that is not
    private static final float LEAST = 0.5f; // where a mask is nowhere above it, there is no such region
    // The ellipse in which masks do not grow, in sides: eyes are as dark as dark hair.
    private static final double X = 0.5;
    private static final double Y = 0.55;
    private static final double ACROSS = 0.18;
    private static final double DOWN = 0.13;

    private CompetingMasks() {}

    /**
     * Lets some groups take what is theirs by the colours, in place; the others share what is left.
     *
     * @param masks the network's, 64 or 128 pixels a side, where all is as in Python; other sizes are averaged otherwise.
     * @param pixels what it saw, of the same size, in -1..1: faces framed as CelebA's are.
     * @param competing for each group whether it does.
     * @param apart groups that take nothing from others and lose nothing to them.
     */
    static void compete(Planes masks, Planes pixels, boolean[] competing, boolean[] apart, Layouts layouts) {
        Planes before = new Planes(masks.width, masks.height, masks.channels, masks.values.clone());
        boolean[] refined = new boolean[masks.channels];
        boolean some = false;
        for (int g = 0; g < masks.channels; g++) {
            Planes mask = before.channel(g);
            refined[g] = competing[g] && most(mask.values) > LEAST;
            if (refined[g]) {
                float[] made = refined(Preprocess.fromModelRange(pixels), mask, layouts);
                for (int i = 0; i < made.length; i++) {
                    masks.values[i * masks.channels + g] = made[i];
                }
                some = true;
            }
        }
        for (int i = 0; some && i < masks.values.length; i += masks.channels) {
            MaskEdits.share(before.values, masks.values, i, refined, apart);
        }
    }

    private static float most(float[] values) {
        float most = 0f;
        for (float value : values) {
            most = Math.max(most, value);
        }
        return most;
    }

    /** One mask of a picture. */
    private static float[] refined(Picture picture, Planes mask, Layouts layouts) {
        Rows rows = Rows.of(picture, new Window(0, 0, picture.width, picture.height));
        Picture small = Rows.averagedPicture(rows, Layouts.SIZE, Layouts.SIZE);
        Planes smallMask = mask.resized(Layouts.SIZE, Layouts.SIZE);
        Planes first = Regions.responsibilities(
                RegionColours.of(small), Regions.prior(smallMask, layouts.mean), LAYOUT_ROUNDS);
        Planes layout = layouts.nearest(first).resized(mask.width, mask.height);
        Planes regions = Regions.responsibilities(RegionColours.of(picture), Regions.prior(mask, layout), ROUNDS);
        float[] made = new float[mask.values.length];
        for (int i = 0; i < made.length; i++) {
            float skin = regions.values[Regions.COUNT * i + Regions.SKIN];
            float hair = regions.values[Regions.COUNT * i + Regions.HAIR] / (1 + (SKIN_COUNTS - 1) * skin);
            float share = (hair - LOW) / (HIGH - LOW);
            made[i] = Math.max(0f, Math.min(1f, share));
            double x = ((i % mask.width + 0.5) / mask.width - X) / ACROSS;
            double y = ((i / mask.width + 0.5) / mask.height - Y) / DOWN;
            if (x * x + y * y <= 1) {
                made[i] = Math.min(made[i], mask.values[i]);
            }
        }
        return made;
    }
}
