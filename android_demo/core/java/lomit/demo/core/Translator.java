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

    private final Network maskNet;
    private final Network generator;
    public final ModelDescription model;
    private Boolean composite;

    /** @throws DemoException MODEL_UNUSABLE if the networks do not fit each other. */
    public Translator(Network maskNet, Network generator, String labels) throws DemoException {
        this.maskNet = maskNet;
        this.generator = generator;
        this.model = ModelDescription.of(maskNet, generator, labels);
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

    /** What the generator paints: size x size x 3, -1..1. */
    Planes paint(Seen input, Planes inputMasks, Seen exemplar, Planes exemplarMasks, boolean[] transferred)
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
        return new Planes(model.size, model.size, 3, generator.run(feed).get("translation"));
    }

    /** Whether the generator gives m * bare + (1 - m) * x: with nothing marked, that is the input itself. */
    private boolean composite(Seen input, Seen exemplar) throws DemoException {
        if (composite == null) {
            Planes none = new Planes(model.size, model.size, model.groups.size());
            Planes painted = paint(input, none, exemplar, exemplar.masks, new boolean[model.groups.size()]);
            boolean same = true;
            for (int i = 0; i < painted.values.length; i++) {
                same &= Math.abs(painted.values[i] - input.pixels.values[i]) < 1e-4f;
            }
            composite = same;
        }
        return composite;
    }

    /**
     * The input in the exemplar's style, at the input's own resolution.
     *
     * @param picture the one that `input` was seen in.
     * @param chosen the groups to transfer; those beyond its end are transferred.
     */
    public Picture translate(Picture picture, Seen input, MaskEdits inputEdits, Seen exemplar, MaskEdits exemplarEdits,
            boolean[] chosen) throws DemoException {
        Planes masks = inputEdits.drawnOn(input.masks);
        Planes exemplarMasks = exemplarEdits.drawnOn(exemplar.masks);
        boolean[] transferred = transferred(chosen, exemplarMasks);
        Planes painted = paint(input, masks, exemplar, exemplarMasks, transferred);
        Planes share = CarryBack.share(masks, transferred);
        Planes change = CarryBack.change(painted, input.pixels);
        if (composite(input, exemplar)) {
            change = CarryBack.bare(change, share);
        }
        return CarryBack.add(picture, input.framed.window, change, share, 1f);
    }

    /** All groups. */
    public Picture translate(Picture picture, Seen input, MaskEdits inputEdits, Seen exemplar, MaskEdits exemplarEdits)
            throws DemoException {
        boolean[] all = new boolean[model.groups.size()];
        Arrays.fill(all, true);
        return translate(picture, input, inputEdits, exemplar, exemplarEdits, all);
    }
}
