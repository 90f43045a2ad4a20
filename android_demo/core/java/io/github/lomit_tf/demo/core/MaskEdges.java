package io.github.lomit_tf.demo.core;

/**
 * Masks continued beyond their window, along what looks like the masked and is connected to it (`extend` of
 * lomit_tf/imaging/mask_edges.py, which has the equation). It works on a small copy of the picture.
 */
final class MaskEdges {
    private static final double SIDE = 192; // of the window in the small copy
    private static final int GRAIN = 8; // the part of the picture that is looked at begins and ends at a multiple of it
    private static final double BEYOND = 1; // how far, in sides of the window; over the farther half it fades out
    private static final float ABOVE = 4; // how many times a distance above the window counts
    private static final float SLOPE = 0.25f; // how much wider than at the window it may be above it, of the height
    private static final double COLOUR_STEP = 0.01;
    private static final double KEPT = 0.998;
    private static final double UNLIKE_STEP = 0.05;
    private static final int SWEEPS = 2;

    /** Masks, and where they lie in a picture, as Curves.apply has them. */
    static final class Layer {
        final Planes masks;
        final double[] map;

        Layer(Planes masks, double[] map) {
            this.masks = masks;
            this.map = map;
        }
    }

    private MaskEdges() {}

    /**
     * Masks of the window and what lies around it.
     *
     * @param masks any size, one channel for each group, 0..1.
     * @param map the picture's x, y to the masks' 0..1, as of Curves.map.
     * @return null where the window covers all of the picture, or no mask reaches the window's border.
     */
    static Layer extend(Picture photo, Planes masks, double[] map) {
        int[] part = around(photo, map);
        if (part[2] <= part[0] || part[3] <= part[1] || border(masks) < PasteBack.MASK_FLOOR) {
            return null;
        }
        int wide = part[2] - part[0];
        int high = part[3] - part[1];
        double[] axes = inverse(map);
        double scale = Math.min(1, SIDE / Math.max(Math.hypot(axes[0], axes[2]), Math.hypot(axes[1], axes[3])));
        int width = (int) Math.max(1, Math.rint(scale * wide));
        int height = (int) Math.max(1, Math.rint(scale * high));
        float[] u = new float[width * height];
        float[] v = new float[width * height];
        float[] outside = new float[width * height];
        boolean some = false;
        for (int i = 0; i < u.length; i++) {
            double x = (i % width + 0.5) / width * wide + part[0] - 0.5;
            double y = (i / width + 0.5) / height * high + part[1] - 0.5;
            u[i] = (float) (map[0] * x + map[1] * y + map[2]);
            v[i] = (float) (map[3] * x + map[4] * y + map[5]);
            outside[i] = Math.max(Math.max(Math.abs(u[i] - 0.5f), Math.abs(v[i] - 0.5f)) - 0.5f, -ABOVE * v[i]);
            some |= outside[i] > 0;
        }
        if (!some) {
            return null;
        }
        Rows rows = Rows.of(photo, new Window(part[0], part[1], wide, high));
        Picture copy = scale < 1 ? Rows.averagedPicture(rows, width, height) : pixels(rows);
        Planes made = new Planes(width, height, masks.channels);
        LabColours lab = new LabColours(copy);
        boolean[] known = new boolean[outside.length];
        for (int i = 0; i < known.length; i++) {
            known[i] = outside[i] <= 0;
        }
        for (int g = 0; g < masks.channels; g++) {
            float[] one = continued(lab, sampled(masks, g, u, v), known, most(masks, g, u, v));
            for (int i = 0; i < one.length; i++) {
                double fade = Math.max(0, Math.min(1, (BEYOND - outside[i]) / (BEYOND / 2)));
                made.values[i * masks.channels + g] = (float) (one[i] * fade);
            }
        }
        return new Layer(made, Curves.map(new Window(part[0], part[1], wide, high)));
    }

    /** Left, top, right and bottom of the part of a picture that is looked at, the latter two beyond it. */
    private static int[] around(Picture photo, double[] map) {
        double[] axes = inverse(map);
        double[] low = {Double.MAX_VALUE, Double.MAX_VALUE};
        double[] high = {-Double.MAX_VALUE, -Double.MAX_VALUE};
        for (int corner = 0; corner < 4; corner++) {
            double u = (corner & 1) * (1 + 2 * BEYOND) - BEYOND - map[2];
            double v = (corner >> 1) * (1 + 2 * BEYOND) - BEYOND - map[5];
            double[] at = {axes[0] * u + axes[1] * v, axes[2] * u + axes[3] * v};
            for (int k = 0; k < 2; k++) {
                low[k] = Math.min(low[k], at[k]);
                high[k] = Math.max(high[k], at[k]);
            }
        }
        return new int[] {
            (int) Math.max(0, GRAIN * Math.floor(low[0] / GRAIN)), (int) Math.max(0, GRAIN * Math.floor(low[1] / GRAIN)),
            (int) Math.min(photo.width, GRAIN * Math.ceil((high[0] + 1) / GRAIN)),
            (int) Math.min(photo.height, GRAIN * Math.ceil((high[1] + 1) / GRAIN)),
        };
    }

    /** The inverse of a map's 2 x 2 part, row by row. */
    private static double[] inverse(double[] map) {
        double determinant = map[0] * map[4] - map[1] * map[3];
        return new double[] {
            map[4] / determinant, -map[1] / determinant, -map[3] / determinant, map[0] / determinant,
        };
    }

    /** The largest value in the first and last row and column. */
    private static float border(Planes masks) {
        float most = 0f;
        for (int i = 0; i < masks.values.length; i++) {
            int x = i / masks.channels % masks.width;
            int y = i / masks.channels / masks.width;
            if (x == 0 || y == 0 || x == masks.width - 1 || y == masks.height - 1) {
                most = Math.max(most, masks.values[i]);
            }
        }
        return most;
    }

    private static Picture pixels(Rows rows) {
        int[] argb = new int[rows.width * rows.height];
        float[] row = new float[3 * rows.width];
        for (int y = 0; y < rows.height; y++) {
            rows.read(y, row);
            for (int x = 0; x < rows.width; x++) {
                argb[y * rows.width + x] = Preprocess.pixel(row[3 * x], row[3 * x + 1], row[3 * x + 2]);
            }
        }
        return new Picture(rows.width, rows.height, argb);
    }

    /** One mask at places 0..1, bilinear in steps of 1/32 of its pixels, edges repeated: OpenCV's remap. */
    private static float[] sampled(Planes masks, int group, float[] u, float[] v) {
        float[] made = new float[u.length];
        for (int i = 0; i < made.length; i++) {
            int x = (int) Math.rint((u[i] * masks.width - 0.5f) * 32.0);
            int y = (int) Math.rint((v[i] * masks.height - 0.5f) * 32.0);
            float right = Affine.right(x);
            float below = Affine.right(y);
            for (int k = 0; k < 4; k++) {
                int column = Rows.clamp(Affine.pixel(x) + (k & 1), masks.width);
                int row = Rows.clamp(Affine.pixel(y) + (k >> 1), masks.height);
                float weight = ((k & 1) == 0 ? 1f - right : right) * (k >> 1 == 0 ? 1f - below : below);
                made[i] += weight * masks.values[(row * masks.width + column) * masks.channels + group];
            }
        }
        return made;
    }

    /** One mask, known where `known` says so, handed on to the other pixels. */
    private static float[] continued(LabColours lab, float[] mask, boolean[] known, float[] most) {
        float[] likeness = lab.likeness(mask, known);
        float[] handed = new float[mask.length];
        float[] kept = new float[mask.length];
        for (int i = 0; i < mask.length; i++) {
            handed[i] = known[i] ? mask[i] : 0f;
            kept[i] = known[i] ? 0f : (float) (KEPT * Math.pow(likeness[i], UNLIKE_STEP));
        }
        float[] down = steps(lab, lab.width);
        float[] across = steps(lab, 1);
        for (int n = 0; n < SWEEPS; n++) {
            handOn(handed, down, kept, lab.width, lab.height, lab.width, 1);
            handOn(handed, across, kept, 1, lab.width, lab.height, lab.width);
        }
        for (int i = 0; i < mask.length; i++) {
            handed[i] = known[i] ? handed[i] : Math.min(handed[i] * (likeness[i] * likeness[i]), most[i]);
        }
        float[] smooth = LabColours.blurred(handed, lab.width, lab.height);
        for (int i = 0; i < mask.length; i++) {
            smooth[i] = known[i] ? mask[i] : smooth[i];
        }
        return smooth;
    }

    /**
     * The most that a mask may be at places in sides of the window: above it the largest value of its upper row within
     * SLOPE times the height, and 1 elsewhere.
     */
    private static float[] most(Planes masks, int channel, float[] u, float[] v) {
        int count = masks.width;
        float[][] wider = new float[1 + (int) Math.ceil(SLOPE * BEYOND / ABOVE * count)][count];
        for (int x = 0; x < count; x++) {
            wider[0][x] = masks.values[x * masks.channels + channel];
        }
        for (int n = 1; n < wider.length; n++) {
            for (int x = 0; x < count; x++) {
                float left = x > 0 ? wider[n - 1][x - 1] : 0f;
                float right = x + 1 < count ? wider[n - 1][x + 1] : 0f;
                wider[n][x] = Math.max(wider[n - 1][x], Math.max(left, right));
            }
        }
        float[] most = new float[u.length];
        for (int i = 0; i < most.length; i++) {
            int step = (int) Math.max(0, Math.min(wider.length - 1, Math.floor(-v[i] * (SLOPE * count))));
            int place = (int) Math.max(0, Math.min(count - 1, Math.floor(u[i] * count)));
            most[i] = v[i] < 0 ? wider[step][place] : 1f;
        }
        return most;
    }

    /** What is kept on the way from a pixel to the one `stride` further on, by their colours. */
    private static float[] steps(LabColours lab, int stride) {
        float[] steps = new float[lab.width * lab.height];
        for (int i = 0; i + stride < steps.length; i++) {
            double sum = 0;
            for (int c = 0; c < 3; c++) {
                float difference = lab.smooth(i + stride, c) - lab.smooth(i, c);
                sum += difference * difference;
            }
            steps[i] = (float) Math.exp(-COLOUR_STEP * Math.sqrt(sum));
        }
        return steps;
    }

    /** Lines of `count` pixels, each `stride` after the one before, forwards and then backwards. */
    private static void handOn(float[] handed, float[] steps, float[] kept, int stride, int count, int lines, int next) {
        for (int line = 0; line < lines; line++) {
            int start = line * next;
            for (int k = 1; k < count; k++) {
                int at = start + k * stride;
                handed[at] = Math.max(handed[at], handed[at - stride] * steps[at - stride] * kept[at]);
            }
            for (int k = count - 2; k >= 0; k--) {
                int at = start + k * stride;
                handed[at] = Math.max(handed[at], handed[at + stride] * steps[at] * kept[at]);
            }
        }
    }
}
