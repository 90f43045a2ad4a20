package lomit.demo;

import android.content.res.AssetManager;
import java.util.List;
import lomit.demo.core.BlazeFace;
import lomit.demo.core.DemoException;
import lomit.demo.core.Face;
import lomit.demo.core.FaceFinder;
import lomit.demo.core.Picture;

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
                    Work.opener.open(assets, "face_detection_full_range.tflite"));
        }
        return detector.find(picture);
    }
}
