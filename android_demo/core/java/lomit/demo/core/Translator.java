package lomit.demo.core;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;

/** Translates pictures with a pair of networks. What is found of a picture is kept in `Seen`, to be used again. */
public final class Translator {
    /** A picture as the model sees it, and the masks found in it. */
    public static final class Seen {
        public final Picture picture;
        public final Window window;
        final Planes pixels;
        /** size x size x groups, 0..1. */
        public final Planes masks;

        Seen(Picture picture, Window window, Planes pixels, Planes masks) {
            this.picture = picture;
            this.window = window;
            this.pixels = pixels;
            this.masks = masks;
        }
    }

    private final Network maskNet;
    private final Network generator;
    public final ModelDescription model;

    /** @throws DemoException MODEL_UNUSABLE if the networks do not fit each other. */
    public Translator(Network maskNet, Network generator, String labels) throws DemoException {
        this.maskNet = maskNet;
        this.generator = generator;
        this.model = ModelDescription.of(maskNet, generator, labels);
    }

    /** Frames a picture and finds its masks: once for an input, once for an exemplar. */
    public Seen see(Picture picture, Window window) throws DemoException {
        Planes pixels = Preprocess.toModelRange(Preprocess.resize(picture, window, model.size));
        Map<String, float[]> feed = new HashMap<String, float[]>();
        feed.put("image", pixels.values);
        float[] masks = maskNet.run(feed).get("masks");
        return new Seen(picture, window, pixels, new Planes(model.size, model.size, model.groups.size(), masks));
    }

    /** What the generator paints: size x size x 3, -1..1. */
    public Planes paint(Seen input, Planes inputMasks, Seen exemplar, Planes exemplarMasks, boolean[] chosen)
            throws DemoException {
        Map<String, float[]> feed = new HashMap<String, float[]>();
        feed.put("image", input.pixels.values);
        feed.put("exemplar", exemplar.pixels.values);
        feed.put("image_masks", inputMasks.values);
        feed.put("exemplar_masks", exemplarMasks.values);
        if (model.transfer) {
            float[] transfer = new float[chosen.length];
            for (int g = 0; g < chosen.length; g++) {
                transfer[g] = chosen[g] ? 1f : 0f;
            }
            feed.put("transfer", transfer);
        }
        return new Planes(model.size, model.size, 3, generator.run(feed).get("translation"));
    }

    /** The input in the exemplar's style, at the input's own resolution; all groups. */
    public Picture translate(Seen input, MaskEdits inputEdits, Seen exemplar, MaskEdits exemplarEdits)
            throws DemoException {
        boolean[] all = new boolean[model.groups.size()];
        Arrays.fill(all, true);
        Planes masks = inputEdits.drawnOn(input.masks);
        Planes painted = paint(input, masks, exemplar, exemplarEdits.drawnOn(exemplar.masks), all);
        Planes change = CarryBack.change(painted, input.pixels);
        return CarryBack.add(input.picture, input.window, change, CarryBack.share(masks, all), 1f);
    }
}
