package io.github.lomit_tf.demo.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/**
 * What a pair of mask net and generator says of itself: image size, groups, how each is painted, and whether groups can be
 * chosen and colours set. Colour groups are painted by the generator's output `curves`, in their order; the others by its output `raw`.
 */
public final class ModelDescription {
    /** Pixels of the model's image to one cell of the grid of curves. */
    static final int CELL = 8;
    /** Side of the model's images, in pixels. */
    public final int size;
    /** Names of the groups, in the order of the masks' channels. */
    public final List<String> groups;
    /** Whether the generator has the input `transfer`. */
    public final boolean transfer;
    /** Whether it has the input `colours`, so that a colour can be set in the place of an exemplar. */
    public final boolean colours;
    /** Whether what is painted freely moves the picture's own pixels first: the generator's output `displacement`. */
    public final boolean displacement;
    private final boolean[] colour;
    private final boolean[] connected;
    private final boolean[] overlapping;
    private final boolean[] competing;
    private final boolean[] faceParts;
    private final int colourGroups;

    private ModelDescription(int size, List<String> groups, boolean transfer, boolean colours, boolean displacement,
            boolean[] colour, boolean[] connected, boolean[] overlapping, boolean[] competing, boolean[] faceParts) {
        this.size = size;
        this.groups = groups;
        this.transfer = transfer;
        this.colours = colours;
        this.displacement = displacement;
        this.colour = colour;
        this.connected = connected;
        this.overlapping = overlapping;
        this.competing = competing;
        this.faceParts = faceParts;
        int count = 0;
        for (boolean one : colour) {
            count += one ? 1 : 0;
        }
        colourGroups = count;
    }

    /** Whether a group is painted by colour curves. */
    public boolean isColour(int group) {
        return colour[group];
    }

    /** Whether a group's mask is one connected region: smaller parts apart from the largest are left out. */
    public boolean isConnected(int group) {
        return connected[group];
    }

    /** Whether a group's mask lies on those of others, as a smile on the lips: its networks see a part of the picture. */
    public boolean isOverlapping(int group) {
        return overlapping[group];
    }

    /** `isOverlapping` of all groups. */
    public boolean[] overlapping() {
        return overlapping.clone();
    }

    /** Whether only a face has a group, as lips: its mask in a picture without one means nothing. */
    public boolean isPartOfFace(int group) {
        return faceParts[group];
    }

    /** For each group whether its masks compete with other regions by a picture's own colours, as hair's do. */
    public boolean[] competing() {
        return competing.clone();
    }

    /** Whether the masks of some group compete. */
    boolean someCompete() {
        boolean some = false;
        for (boolean one : competing) {
            some |= one;
        }
        return some;
    }

    /** How many groups are painted by colour curves. */
    public int colourGroups() {
        return colourGroups;
    }

    /** Index of the colour group of this name, or of the first one for an empty name; -1 where there is none. */
    public int colourGroup(String name) {
        for (int g = 0; g < colour.length; g++) {
            if (colour[g] && (name.isEmpty() || name.equals(groups.get(g)))) {
                return g;
            }
        }
        return -1;
    }

    /** How many groups are painted freely. */
    public int freeGroups() {
        return colour.length - colourGroups;
    }

    /**
     * Reads both networks' inputs and outputs and checks that they fit each other (docs/export.md has the table).
     *
     * @param labels the text of labels.txt: a group a line.
     * @param colours names of the colour groups, separated by commas, as `colour` of model.properties has them; may be
     *     empty.
     * @param connected names of the groups whose masks are one connected region, likewise.
     * @param overlapping names of the groups whose masks lie on those of others, likewise.
     * @param competing names of the groups whose masks compete by a picture's own colours, likewise.
     * @param faceParts names of the groups that only faces have, likewise.
     * @throws DemoException MODEL_UNUSABLE, with what was expected and what the file has.
     */
    public static ModelDescription of(Network maskNet, Network generator, String labels, String colours,
            String connected, String overlapping, String competing, String faceParts) throws DemoException {
        Network.Tensor image = find(maskNet.inputs(), "image");
        if (image.rank() != 4 || image.dimension(0) != 1 || image.dimension(3) != 3
                || image.dimension(1) != image.dimension(2) || image.dimension(1) < 1) {
            throw unusable("image must be (1, S, S, 3); the mask net has " + image);
        }
        int size = image.dimension(1);
        Network.Tensor masks = find(maskNet.outputs(), "masks");
        int groups = masks.rank() == 4 ? masks.dimension(3) : 0;
        List<String> names = new ArrayList<String>();
        for (String line : labels.split("\n")) {
            if (!line.trim().isEmpty()) {
                names.add(line.trim());
            }
        }
        if (names.size() != groups) {
            throw unusable("labels.txt names " + names.size() + " groups; the mask net has " + masks);
        }
        expect(masks, 1, size, size, groups);
        expect(find(generator.inputs(), "image"), 1, size, size, 3);
        expect(find(generator.inputs(), "exemplar"), 1, size, size, 3);
        expect(find(generator.inputs(), "image_masks"), 1, size, size, groups);
        expect(find(generator.inputs(), "exemplar_masks"), 1, size, size, groups);
        boolean[] colour = named(colours, names, "colour group");
        boolean[] region = named(connected, names, "connected group");
        boolean[] apart = named(overlapping, names, "overlapping group");
        boolean[] competes = named(competing, names, "competing group");
        boolean[] ofFaces = named(faceParts, names, "part of faces");
        boolean transfer = has(generator.inputs(), "transfer");
        if (transfer) {
            expect(find(generator.inputs(), "transfer"), 1, groups);
        }
        boolean settable = has(generator.inputs(), "colours");
        ModelDescription model = new ModelDescription(
                size, Collections.unmodifiableList(names), transfer, settable, has(generator.outputs(), "displacement"),
                colour, region, apart, competes, ofFaces);
        if (settable) {
            expect(find(generator.inputs(), "colours"), 1, model.colourGroups(), ColourStyle.MOMENTS);
        }
        model.expectOutputs(generator);
        return model;
    }

    private void expectOutputs(Network generator) throws DemoException {
        List<Network.Tensor> outputs = generator.outputs();
        if (!has(outputs, "raw") && !has(outputs, "curves")) {
            throw unusable("the generator has neither raw nor curves among " + outputs + ": it was exported by an older "
                    + "version or paints without a composite. Export it again, from a model with one");
        }
        if (freeGroups() > 0) {
            expect(find(outputs, "raw"), 1, size, size, 3);
        }
        if (displacement) {
            expect(find(outputs, "displacement"), 1, size, size, 2);
        }
        if (colourGroups() > 0) {
            expect(find(outputs, "curves"), 1, size / CELL, size / CELL, colourGroups() * Curves.CURVE);
        } else if (has(outputs, "curves")) {
            throw unusable("model.properties names no colour groups; the generator has " + find(outputs, "curves"));
        }
    }

    private static boolean[] named(String chosen, List<String> groups, String what) throws DemoException {
        boolean[] named = new boolean[groups.size()];
        for (String line : chosen.split(",")) {
            String name = line.trim();
            if (!name.isEmpty() && !groups.contains(name)) {
                throw unusable("model.properties names the " + what + " " + name + "; the groups are " + groups);
            }
            if (!name.isEmpty()) {
                named[groups.indexOf(name)] = true;
            }
        }
        return named;
    }

    private static void expect(Network.Tensor tensor, int... shape) throws DemoException {
        boolean fits = tensor.rank() == shape.length;
        for (int axis = 0; fits && axis < shape.length; axis++) {
            fits = tensor.dimension(axis) == shape[axis];
        }
        if (!fits) {
            throw unusable("expected " + new Network.Tensor(tensor.name, shape) + "; received " + tensor);
        }
    }

    private static boolean has(List<Network.Tensor> tensors, String name) {
        for (Network.Tensor tensor : tensors) {
            if (tensor.name.equals(name)) {
                return true;
            }
        }
        return false;
    }

    private static Network.Tensor find(List<Network.Tensor> tensors, String name) throws DemoException {
        for (Network.Tensor tensor : tensors) {
            if (tensor.name.equals(name)) {
                return tensor;
            }
        }
        throw unusable("there is no " + name + " among " + tensors);
    }

    private static DemoException unusable(String message) {
        return new DemoException(DemoException.Kind.MODEL_UNUSABLE, message);
    }
}
