package lomit.demo.core;

import java.util.List;

/** Finds faces with whatever the platform has; Framing makes windows of what it finds. */
public interface FaceFinder {
    /** A face by its eyes, in pixels of the picture. */
    final class Eyes {
        public final float middleX;
        public final float middleY;
        public final float distance;

        public Eyes(float middleX, float middleY, float distance) {
            this.middleX = middleX;
            this.middleY = middleY;
            this.distance = distance;
        }
    }

    List<Eyes> find(Picture picture);
}
