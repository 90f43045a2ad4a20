package io.github.lomit_tf.demo.core;

import java.util.Collections;

/**
 * A second look at how CelebA's crop lies around a face: lomit_tf/imaging/framing_network.py, which says why. A crop is
 * x and y of its upper side, and of its centre, as CelebaFraming gives it.
 */
final class FramingNetwork {
    static final int SIDE = 64;
    private static final double FIELD = 0.7;
    private static final double DOWN = 0.09;
    private static final double[] UNIT = {0.07, 0.07, 0.035, 0.035};
    private static final double MOST = 3;
    private static final int LOOKS = 2;

    private final Network network;

    /** @throws DemoException MODEL_UNUSABLE for another network. */
    FramingNetwork(Network network) throws DemoException {
        this.network = network;
        if (network.inputs().size() != 1 || network.inputs().get(0).size() != 3 * SIDE * SIDE) {
            throw new DemoException(DemoException.Kind.MODEL_UNUSABLE, "no framing network: " + network.inputs());
        }
    }

    /** framing_network.corrected. @throws DemoException if the network cannot run. */
    double[] corrected(Look look, double[] crop) throws DemoException {
        double[] made = crop;
        for (int n = 0; n < LOOKS; n++) {
            double side = FIELD * Math.hypot(made[0], made[1]);
            double angle = Math.toDegrees(Math.atan2(made[1], made[0]));
            Affine to = Look.toPicture(made[2] - DOWN * made[1], made[3] + DOWN * made[0], side, angle);
            float[] pixels = FaceModel.pixels(look.square(to, side, SIDE));
            String input = network.inputs().get(0).name;
            made = moved(made, network.run(Collections.singletonMap(input, pixels)).values().iterator().next());
        }
        return made;
    }

    /** framing_network.moved: the crop where the network's output says that it lies. */
    static double[] moved(double[] crop, float[] output) {
        double[] by = new double[UNIT.length];
        for (int k = 0; k < by.length; k++) {
            by[k] = UNIT[k] * Math.max(-MOST, Math.min(MOST, output[k]));
        }
        double cosine = Math.exp(by[0]) * Math.cos(by[1]);
        double sine = Math.exp(by[0]) * Math.sin(by[1]);
        return new double[] {
            crop[0] * cosine - crop[1] * sine, crop[0] * sine + crop[1] * cosine,
            crop[2] + crop[0] * by[2] - crop[1] * by[3], crop[3] + crop[1] * by[2] + crop[0] * by[3],
        };
    }
}
