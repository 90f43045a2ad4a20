package lomit.demo.core;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Translates pictures with a pair of networks. What is found of a picture is kept in `Seen`, to be used again. */
public final class Translator {
    /** A picture as the model sees it, and the masks found in it; about a megabyte. */
    public static final class Seen {
        public final Framing.Framed framed;
        /** What the model sees, larger than the model sees it: VIEW x VIEW. */
        public final Picture view;
        final Planes pixels;
        /** size x size x groups, 0..1. */
        public final Planes masks;

        Seen(Framing.Framed framed, Picture view, Planes pixels, Planes masks) {
            this.framed = framed;
            this.view = view;
            this.pixels = pixels;
            this.masks = masks;
        }
    }

    /** Side of a `Seen.view`. */
    public static final int VIEW = 384;
    /** Side of masks that fade out at a window's ends: the steps there are smaller than one sees. */
    private static final int FINE = 512;

    private final Network maskNet;
    private final Network generator;
    public final ModelDescription model;

    /**
     * @param labels the text of labels.txt.
     * @param colours `colour` of model.properties: the groups that are painted by colour curves.
     * @throws DemoException MODEL_UNUSABLE if the networks do not fit each other.
     */
    public Translator(Network maskNet, Network generator, String labels, String colours) throws DemoException {
        this.maskNet = maskNet;
        this.generator = generator;
        this.model = ModelDescription.of(maskNet, generator, labels, colours);
    }

    /** Finds a framed picture's masks: once for an input, once for an exemplar. */
    public Seen see(Picture picture, Framing.Framed framed) throws DemoException {
        Planes pixels = Preprocess.toModelRange(Preprocess.resize(picture, framed.window, model.size));
        Map<String, float[]> feed = new HashMap<String, float[]>();
        feed.put("image", pixels.values);
        float[] masks = maskNet.run(feed).get("masks");
        Picture view = Preprocess.resize(picture, framed.window, VIEW);
        return new Seen(framed, view, pixels, new Planes(model.size, model.size, model.groups.size(), masks));
    }

    /**
     * The chosen groups without those that the exemplar's masks do not show: the style of an empty region means nothing.
     *
     * @param chosen for each group; those beyond its end are chosen.
     */
    public boolean[] transferred(boolean[] chosen, Planes exemplarMasks) {
        boolean[] transferred = new boolean[model.groups.size()];
        for (int i = 0; i < exemplarMasks.values.length; i++) {
            int g = i % transferred.length;
            transferred[g] |= exemplarMasks.values[i] >= CarryBack.MASK_FLOOR && (g >= chosen.length || chosen[g]);
        }
        return transferred;
    }

    /** The generator's outputs, by name. */
    Map<String, float[]> paint(Seen input, Planes inputMasks, Seen exemplar, Planes exemplarMasks, boolean[] transferred)
            throws DemoException {
        Map<String, float[]> feed = new HashMap<String, float[]>();
        feed.put("image", input.pixels.values);
        feed.put("exemplar", exemplar.pixels.values);
        feed.put("image_masks", inputMasks.values);
        feed.put("exemplar_masks", exemplarMasks.values);
        if (model.transfer) {
            float[] transfer = new float[transferred.length];
            for (int g = 0; g < transferred.length; g++) {
                transfer[g] = transferred[g] ? 1f : 0f;
            }
            feed.put("transfer", transfer);
        }
        return generator.run(feed);
    }

    /**
     * The input in the exemplar's style, at the input's own resolution. Free groups first: their change is brought to the
     * picture's size and added to it; then colours: what that gave is looked up in the curves (lomit_tf/photos/pasting.py).
     *
     * @param picture the one that `input` was seen in.
     * @param chosen the groups to transfer; those beyond its end are transferred.
     */
    public Picture translate(Picture picture, Seen input, MaskEdits inputEdits, Seen exemplar, MaskEdits exemplarEdits,
            boolean[] chosen) throws DemoException {
        Planes masks = inputEdits.drawnOn(input.masks);
        Planes exemplarMasks = exemplarEdits.drawnOn(exemplar.masks);
        boolean[] transferred = transferred(chosen, exemplarMasks);
        Map<String, float[]> painted = paint(input, masks, exemplar, exemplarMasks, transferred);
        Picture made = picture;
        if (model.freeGroups() > 0) {
            boolean[] free = transferred.clone();
            for (int g = 0; g < free.length; g++) {
                free[g] &= !model.isColour(g);
            }
            Planes raw = new Planes(model.size, model.size, 3, painted.get("raw"));
            Planes change = CarryBack.change(raw, input.pixels);
            made = CarryBack.add(made, input.framed.window, change, CarryBack.share(masks, free), 1f);
        }
        if (model.colourGroups() > 0) {
            made = coloured(made, input, masks, transferred, painted.get("curves"));
        }
        return made;
    }

    /** A picture, its own pixels sent through the curves of the colour groups, within their masks. */
    private Picture coloured(Picture picture, Seen input, Planes masks, boolean[] transferred, float[] values) {
        int side = model.size / ModelDescription.CELL;
        Planes curves = new Planes(side, side, model.colourGroups() * 3 * Curves.BINS, values);
        Window window = input.framed.window;
        Planes shares = faded(colourMasks(masks, transferred), window, picture);
        double[] map = Curves.map(window);
        return Curves.apply(picture, curves, shares, map, map, 1f);
    }

    /**
     * Masks at most as fine as their window. They fade out where it ends within the picture, where Python lets the colour
     * go on instead, along hair that goes on (lomit_tf/imaging/mask_edges.py).
     */
    private static Planes faded(Planes masks, Window window, Picture picture) {
        boolean[] within = window.endsWithin(picture.width, picture.height);
        boolean fades = within[0] || within[1] || within[2] || within[3];
        if (!fades && (window.width >= masks.width || window.height >= masks.height)) {
            return masks;
        }
        int width = Math.min(window.width, fades ? Math.max(masks.width, FINE) : masks.width);
        int height = Math.min(window.height, fades ? Math.max(masks.height, FINE) : masks.height);
        Planes made = masks.resized(width, height);
        float[] across = CarryBack.fading(width, within[0], within[2]);
        float[] down = CarryBack.fading(height, within[1], within[3]);
        Planes shares = new Planes(width, height, made.channels);
        for (int i = 0; i < shares.values.length; i++) {
            int pixel = i / shares.channels;
            shares.values[i] = made.values[i] * across[pixel % width] * down[pixel / width];
        }
        return shares;
    }

    /** The masks of the colour groups, 0 for those that are not transferred. */
    private Planes colourMasks(Planes masks, boolean[] transferred) {
        Planes some = new Planes(masks.width, masks.height, model.colourGroups());
        for (int g = 0, c = 0; g < masks.channels; g++) {
            if (!model.isColour(g)) {
                continue;
            }
            for (int i = 0; transferred[g] && i < masks.width * masks.height; i++) {
                some.values[i * some.channels + c] = masks.values[i * masks.channels + g];
            }
            c++;
        }
        return some;
    }

    /** All groups. */
    public Picture translate(Picture picture, Seen input, MaskEdits inputEdits, Seen exemplar, MaskEdits exemplarEdits)
            throws DemoException {
        boolean[] all = new boolean[model.groups.size()];
        Arrays.fill(all, true);
        return translate(picture, input, inputEdits, exemplar, exemplarEdits, all);
    }
}
