package lomit.demo;

import android.graphics.Bitmap;
import android.graphics.PointF;
import android.media.FaceDetector;
import java.util.ArrayList;
import java.util.List;
import lomit.demo.core.FaceFinder;
import lomit.demo.core.Picture;
import lomit.demo.core.Preprocess;

/** The framework's own detector: offline, since API 1, upright faces from the front. */
final class Faces implements FaceFinder {
    private static final int SIDE = 640; // as framing.py's DETECTION_SIDE
    private static final int MOST = 8;

    @Override
    public List<Eyes> find(Picture picture) {
        Picture small = Preprocess.shrunk(picture, SIDE);
        Bitmap bitmap = Bitmap.createBitmap(small.argb, small.width, small.height, Bitmap.Config.RGB_565);
        FaceDetector.Face[] faces = new FaceDetector.Face[MOST];
        int count = new FaceDetector(small.width, small.height, MOST).findFaces(bitmap, faces);
        bitmap.recycle();
        List<Eyes> found = new ArrayList<Eyes>();
        float across = (float) picture.width / small.width;
        float down = (float) picture.height / small.height;
        PointF middle = new PointF();
        for (int i = 0; i < count; i++) {
            if (faces[i] != null && faces[i].confidence() >= FaceDetector.Face.CONFIDENCE_THRESHOLD) {
                faces[i].getMidPoint(middle);
                found.add(new Eyes(across * middle.x, down * middle.y, across * faces[i].eyesDistance()));
            }
        }
        return found;
    }
}
