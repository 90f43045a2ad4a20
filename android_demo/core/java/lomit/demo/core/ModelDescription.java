package lomit.demo.core;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** What a pair of mask net and generator says of itself: image size, groups, and whether groups can be chosen. */
public final class ModelDescription {
    /** Side of the model's images, in pixels. */
    public final int size;
    /** Names of the groups, in the order of the masks' channels. */
    public final List<String> groups;
    /** Whether the generator has the input `transfer`. */
    public final boolean transfer;

    private ModelDescription(int size, List<String> groups, boolean transfer) {
        this.size = size;
        this.groups = groups;
        this.transfer = transfer;
    }

    /**
     * Reads both networks' inputs and outputs and checks that they fit each other (docs/export.md has the table).
     *
     * @param labels the text of labels.txt: a group a line.
     * @throws DemoException MODEL_UNUSABLE, with what was expected and what the file has.
     */
    public static ModelDescription of(Network maskNet, Network generator, String labels) throws DemoException {
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
        expect(masks, size, groups);
        expect(find(generator.inputs(), "image"), size, 3);
        expect(find(generator.inputs(), "exemplar"), size, 3);
        expect(find(generator.inputs(), "image_masks"), size, groups);
        expect(find(generator.inputs(), "exemplar_masks"), size, groups);
        expect(find(generator.outputs(), "translation"), size, 3);
        boolean transfer = has(generator.inputs(), "transfer");
        if (transfer) {
            Network.Tensor tensor = find(generator.inputs(), "transfer");
            if (tensor.rank() != 2 || tensor.dimension(0) != 1 || tensor.dimension(1) != groups) {
                throw unusable("transfer must be (1, " + groups + "); the generator has " + tensor);
            }
        }
        return new ModelDescription(size, Collections.unmodifiableList(names), transfer);
    }

    private static void expect(Network.Tensor tensor, int size, int channels) throws DemoException {
        if (tensor.rank() != 4 || tensor.dimension(0) != 1 || tensor.dimension(1) != size
                || tensor.dimension(2) != size || tensor.dimension(3) != channels) {
            throw unusable(tensor.name + " must be (1, " + size + ", " + size + ", " + channels + "); received " + tensor);
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
