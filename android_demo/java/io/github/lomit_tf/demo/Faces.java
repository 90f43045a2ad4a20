package io.github.lomit_tf.demo;

import android.content.res.AssetManager;
import io.github.lomit_tf.demo.core.BlazeFace;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.Face;
import io.github.lomit_tf.demo.core.FaceFinder;
import io.github.lomit_tf.demo.core.Picture;
import java.util.List;

/** The face detector of the assets, loaded when a face is first looked for: a model of other pictures never does. */
final class Faces implements FaceFinder {
    private final AssetManager assets;
    private BlazeFace detector;

    Faces(AssetManager assets) {
        this.assets = assets;
    }

    @Override
    public List<Face> find(Picture picture) throws DemoException {
        if (detector == null) {
            detector = new BlazeFace(Work.opener.open(assets, "face_detection_short_range.tflite"),
                    Work.opener.open(assets, "face_detection_full_range.tflite"),
                    Work.opener.open(assets, "framing.tflite"));
        }
        return detector.find(picture);
    }
}
