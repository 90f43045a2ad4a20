package io.github.lomit_tf.demo.core;

import java.util.HashMap;
import java.util.Map;

/** Translates pictures with a pair of networks. What is found of a picture is a `ModelView`, to be used again. */
public final class Translator {
    private final Network maskNet;
    private final Network generator;
    private final Layouts layouts;
    public final ModelDescription model;

    /**
     * @param labels the text of labels.txt.
     * @param colours `colour` of model.properties: the groups that are painted by colour curves.
     * @param connected `connected` of model.properties: those whose masks are one connected region.
     * @param overlapping `overlapping` of model.properties: those whose masks lie on those of others.
     * @param competing `competing` of model.properties: those whose masks compete by a picture's own colours.
     * @param faceParts `face_parts` of model.properties: those that only faces have.
     * @param layouts where the regions of faces lie, which compete; may be null where no group does.
     * @throws DemoException MODEL_UNUSABLE if the networks do not fit each other.
     */
    public Translator(Network maskNet, Network generator, String labels, String colours, String connected,
            String overlapping, String competing, String faceParts, Layouts layouts) throws DemoException {
        this.maskNet = maskNet;
        this.generator = generator;
        this.layouts = layouts;
        this.model = ModelDescription.of(
                maskNet, generator, labels, colours, connected, overlapping, competing, faceParts);
        if (layouts == null && !competing.trim().isEmpty()) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, competing + " competes, and there are no layouts");
        }
    }

    /** One in whose masks no group competes, and of whose groups none is a part of faces. */
    public Translator(Network maskNet, Network generator, String labels, String colours, String connected,
            String overlapping) throws DemoException {
        this(maskNet, generator, labels, colours, connected, overlapping, "", "", null);
    }

    /** Finds a framed picture's masks: once for an input, once for an exemplar. */
    public ModelView view(Picture picture, Framing.Frame frame) throws DemoException {
        Planes pixels = Preprocess.toModelRange(Preprocess.resize(picture, frame.window, model.size));
        Planes masks = masks(pixels, frame);
        Picture preview = Preprocess.resize(picture, frame.window, ModelView.PREVIEW);
        return new ModelView(frame, preview, pixels, masks);
    }

    /** The network's masks of what the model sees, in -1..1; some compete by its colours, connected ones are one region. */
    private Planes masks(Planes pixels, Framing.Frame frame) throws DemoException {
        Map<String, float[]> feed = new HashMap<String, float[]>();
        feed.put("image", pixels.values);
        Planes masks = new Planes(model.size, model.size, model.groups.size(), maskNet.run(feed).get("masks"));
        if (frame.isOfFace()) {
            CompetingMasks.compete(masks, pixels, model.competing(), model.overlapping(), layouts);
        }
        for (int g = 0; g < masks.channels; g++) {
            if (model.isConnected(g)) {
                ConnectedMasks.keep(masks, g);
            }
        }
        return masks;
    }

    /**
     * The chosen groups without those that the exemplar's masks do not show: the style of an empty region means nothing.
     *
     * @param chosen for each group; those beyond its end are chosen.
     */
    private boolean[] transferred(boolean[] chosen, Planes exemplarMasks) {
        boolean[] transferred = new boolean[model.groups.size()];
        for (int i = 0; i < exemplarMasks.values.length; i++) {
            int g = i % transferred.length;
            transferred[g] |= exemplarMasks.values[i] >= PasteBack.MASK_FLOOR && (g >= chosen.length || chosen[g]);
        }
        return transferred;
    }

    /** Of a colour: its own group, where that is chosen, and no other. */
    private boolean[] transferred(boolean[] chosen, ColourStyle colour) throws DemoException {
        int group = model.colourGroup(colour.group);
        if (group < 0 || !model.colours) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, "no group of " + model.groups + " takes the "
                    + "colour " + colour.uri());
        }
        boolean[] transferred = new boolean[model.groups.size()];
        transferred[group] = group >= chosen.length || chosen[group];
        return transferred;
    }

    /**
     * Without the groups that only faces have where none is framed, but for those that a person drew: a network's masks
     * of lips are somewhere in any picture (lomit_tf/photos/changeable.py).
     */
    private boolean[] withFaces(boolean[] transferred, Framing.Frame frame, MaskEdits edits) {
        boolean[] drawn = edits.drawn(transferred.length);
        boolean[] some = transferred.clone();
        for (int g = 0; g < some.length && frame.isWithoutFace(); g++) {
            some[g] &= drawn[g] || !model.isPartOfFace(g);
        }
        return some;
    }

    /**
     * An exemplar's face in the light of the input's face (lomit_tf/photos/exemplar_styles.py); its masks stay. The
     * exemplar itself where it is a colour, no group competes, or one of both pictures is not framed by a found face.
     */
    private Exemplar inLightOf(ModelView input, Exemplar exemplar) {
        ModelView view = exemplar.view;
        if (exemplar.colour != null || !model.someCompete() || !input.frame.isOfFace() || !view.frame.isOfFace()) {
            return exemplar;
        }
        Planes pixels = Light.changed(view.pixels, Light.ofFace(view.pixels), Light.ofFace(input.pixels));
        return Exemplar.of(new ModelView(view.frame, view.preview, pixels, view.masks), exemplar.edits);
    }

    /** The generator's outputs, by name. */
    private Map<String, float[]> paint(Planes input, Planes inputMasks, Exemplar exemplar, Planes exemplarMasks,
            boolean[] transferred) throws DemoException {
        Map<String, float[]> feed = new HashMap<String, float[]>();
        feed.put("image", input.values);
        feed.put("image_masks", inputMasks.values);
        feed.put("exemplar", exemplar.colour == null ? exemplar.view.pixels.values
                : new float[3 * model.size * model.size]);
        feed.put("exemplar_masks", exemplarMasks.values);
        if (model.transfer) {
            float[] transfer = new float[transferred.length];
            for (int g = 0; g < transferred.length; g++) {
                transfer[g] = transferred[g] ? 1f : 0f;
            }
            feed.put("transfer", transfer);
        }
        if (model.colours) {
            feed.put("colours", colours(exemplar.colour));
        }
        return generator.run(feed);
    }

    /** Eight moments for each colour group, zeros where the exemplar's style stays. */
    private float[] colours(ColourStyle colour) {
        float[] values = new float[model.colourGroups() * ColourStyle.MOMENTS];
        if (colour != null) {
            int place = 0;
            for (int g = 0; g < model.colourGroup(colour.group); g++) {
                place += model.isColour(g) ? ColourStyle.MOMENTS : 0;
            }
            System.arraycopy(colour.moments(), 0, values, place, ColourStyle.MOMENTS);
        }
        return values;
    }

    /**
     * The input in the exemplar's style, at the input's own resolution. Free groups first: the picture's own
     * pixels move, where the model moves any, and what is painted besides is brought to the picture's size and added; then
     * colours: what that gave is looked up in the curves (lomit_tf/photos/pasting.py).
     *
     * @param picture the one that `input` is the view of.
     * @param chosen the groups to transfer; those beyond its end are transferred.
     */
    public Picture translate(Picture picture, ModelView input, MaskEdits inputEdits, Exemplar exemplar,
            boolean[] chosen) throws DemoException {
        Planes masks = inputEdits.drawnOn(input.masks, model.overlapping());
        Planes exemplarMasks = exemplar.colour == null ? exemplar.edits.drawnOn(exemplar.view.masks, model.overlapping())
                : new Planes(model.size, model.size, model.groups.size());
        boolean[] transferred = exemplar.colour == null ? transferred(chosen, exemplarMasks)
                : transferred(chosen, exemplar.colour);
        transferred = withFaces(transferred, input.frame, inputEdits);
        if (exemplar.colour == null) {
            transferred = withFaces(transferred, exemplar.view.frame, exemplar.edits);
        }
        boolean[] free = of(transferred, false);
        boolean[] coloured = of(transferred, true);
        boolean twice = SecondLook.isNeeded(model, transferred);
        Exemplar lit = inLightOf(input, exemplar);
        Map<String, float[]> painted = paint(input.pixels, masks, lit, exemplarMasks, twice ? free : transferred);
        Picture made = picture;
        if (model.freeGroups() > 0) {
            Planes raw = new Planes(model.size, model.size, 3, painted.get("raw"));
            Planes by = model.displacement ? new Planes(model.size, model.size, 2, painted.get("displacement")) : null;
            Planes before = by == null ? input.pixels : Moving.moved(input.pixels, by);
            Planes share = PasteBack.share(masks, free, model.overlapping());
            Window window = input.frame.window;
            // In models whose curves give colour, what is painted freely does not mean to: a grey picture stays grey.
            boolean grey = model.colourGroups() > 0 && picture.isMonochrome(window);
            made = PasteBack.add(made, window, PasteBack.change(raw, before), share, 1f,
                    by == null ? null : Moving.of(made, window, by, 1f), grey);
            if (twice) {
                Planes seen = SecondLook.picture(before, raw, share);
                masks = SecondLook.masks(model, input.pixels, seen, masks, masks(seen, input.frame),
                        inputEdits.drawn(masks.channels));
                painted = paint(seen, masks, lit, exemplarMasks, coloured);
            }
        }
        if (model.colourGroups() > 0) {
            made = recolour(picture, made, input, colourMasks(masks, transferred), painted.get("curves"));
        }
        return made;
    }

    /** Of these groups those that are painted by curves, or those that are painted freely. */
    private boolean[] of(boolean[] transferred, boolean coloured) {
        boolean[] some = transferred.clone();
        for (int g = 0; g < some.length; g++) {
            some[g] &= model.isColour(g) == coloured;
        }
        return some;
    }

    /** All groups. */
    public Picture translate(Picture picture, ModelView input, MaskEdits inputEdits, Exemplar exemplar)
            throws DemoException {
        return translate(picture, input, inputEdits, exemplar, new boolean[0]);
    }

    /**
     * A picture, its own pixels sent through the curves of the colour groups, within their masks and where these go on
     * beyond the window.
     *
     * @param photo as it was read: what the masks are continued along.
     */
    private Picture recolour(Picture photo, Picture made, ModelView input, Planes masks, float[] values) {
        int side = model.size / ModelDescription.CELL;
        Planes curves = new Planes(side, side, model.colourGroups() * Curves.CURVE, values);
        double[] map = Curves.map(input.frame.window);
        MaskEdges.Layer extended = MaskEdges.extend(photo, masks, map);
        return extended == null ? Curves.apply(made, curves, masks, map, map, 1f)
                : Curves.apply(made, curves, extended.masks, map, extended.map, 1f);
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
}
