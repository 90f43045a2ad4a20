package io.github.lomit_tf.demo;

import android.content.Context;
import android.graphics.Bitmap;
import android.graphics.Canvas;
import android.graphics.Paint;
import android.graphics.RectF;
import android.util.AttributeSet;
import android.view.MotionEvent;
import android.view.View;

/** Before on the left of a line, after on its right; the line follows the finger. */
public final class CompareView extends View {
    private final Paint paint = new Paint(Paint.FILTER_BITMAP_FLAG);
    private final RectF place = new RectF();
    private Bitmap before;
    private Bitmap after;
    private float line = 0.5f;

    public CompareView(Context context, AttributeSet attributes) {
        super(context, attributes);
        paint.setColor(0xffffffff);
        paint.setStrokeWidth(3 * getResources().getDisplayMetrics().density);
    }

    void show(Bitmap old, Bitmap made) {
        before = old;
        after = made;
        setVisibility(made == null ? GONE : VISIBLE);
        invalidate();
    }

    @Override
    protected void onDraw(Canvas canvas) {
        if (before == null || after == null) {
            return;
        }
        float scale = Math.min((float) getWidth() / after.getWidth(), (float) getHeight() / after.getHeight());
        float left = (getWidth() - scale * after.getWidth()) / 2;
        float top = (getHeight() - scale * after.getHeight()) / 2;
        place.set(left, top, left + scale * after.getWidth(), top + scale * after.getHeight());
        canvas.drawBitmap(after, null, place, paint);
        float x = place.left + line * place.width();
        canvas.save();
        canvas.clipRect(place.left, place.top, x, place.bottom);
        canvas.drawBitmap(before, null, place, paint);
        canvas.restore();
        canvas.drawLine(x, place.top, x, place.bottom, paint);
    }

    @Override
    public boolean onTouchEvent(MotionEvent event) {
        if (event.getActionMasked() == MotionEvent.ACTION_DOWN) {
            getParent().requestDisallowInterceptTouchEvent(true);
        }
        if (!place.isEmpty()) {
            line = Math.max(0f, Math.min(1f, (event.getX() - place.left) / place.width()));
            invalidate();
        }
        if (event.getActionMasked() == MotionEvent.ACTION_UP) {
            performClick();
        }
        return true;
    }

    @Override
    public boolean performClick() {
        return super.performClick();
    }
}
