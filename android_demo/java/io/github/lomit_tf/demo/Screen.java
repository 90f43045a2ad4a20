package io.github.lomit_tf.demo;

import android.app.Activity;
import android.view.View;
import android.widget.AdapterView;
import android.widget.ArrayAdapter;
import android.widget.CheckBox;
import android.widget.CompoundButton;
import android.widget.LinearLayout;
import android.widget.SeekBar;
import android.widget.Spinner;
import android.widget.TextView;
import io.github.lomit_tf.demo.core.ColourStyle;
import io.github.lomit_tf.demo.core.DemoException;
import io.github.lomit_tf.demo.core.DemoState;
import io.github.lomit_tf.demo.core.Framing;
import io.github.lomit_tf.demo.core.Planes;
import io.github.lomit_tf.demo.core.Side;
import io.github.lomit_tf.demo.core.Stroke;
import java.util.ArrayList;
import java.util.List;

/** The views of main.xml: shows a Session, and hands it what is painted and chosen. */
final class Screen implements Session.Listener {
    private static final float SMALLEST = 0.01f; // of the brush's radius, as a share of the picture's side
    private static final float LARGEST = 0.16f;
    private static final float SOFT = 0.2f;

    private final Activity activity;
    private final Session session;
    private final Swatches swatches;

    Screen(Activity activity, Session session) {
        this.activity = activity;
        this.session = session;
        spinner().setOnItemSelectedListener(new AdapterView.OnItemSelectedListener() {
            @Override
            public void onItemSelected(AdapterView<?> spinner, View view, int position, long id) {
                changed();
            }

            @Override
            public void onNothingSelected(AdapterView<?> spinner) {}
        });
        CompoundButton.OnCheckedChangeListener brush = new CompoundButton.OnCheckedChangeListener() {
            @Override
            public void onCheckedChanged(CompoundButton button, boolean checked) {
                brush();
            }
        };
        ((CheckBox) find(R.id.erase)).setOnCheckedChangeListener(brush);
        ((CheckBox) find(R.id.soft)).setOnCheckedChangeListener(brush);
        ((SeekBar) find(R.id.brush_size)).setOnSeekBarChangeListener(new SeekBar.OnSeekBarChangeListener() {
            @Override
            public void onProgressChanged(SeekBar bar, int progress, boolean fromUser) {
                brush();
            }

            @Override
            public void onStartTrackingTouch(SeekBar bar) {}

            @Override
            public void onStopTrackingTouch(SeekBar bar) {}
        });
        listen(Side.INPUT);
        listen(Side.EXEMPLAR);
        swatches = new Swatches(activity, (LinearLayout) find(R.id.swatches), new Swatches.Listener() {
            @Override
            public void picked(int rgb) {
                pickColour(rgb);
            }
        });
        brush();
    }

    /** Sets a colour for the group that is shown, or for the first colour group where it is none. */
    private void pickColour(int rgb) {
        int group = Math.max(0, spinner().getSelectedItemPosition());
        boolean able = session.model != null && session.model.isColour(group);
        session.pick(Side.EXEMPLAR, new ColourStyle(rgb, able ? session.model.groups.get(group) : "").uri());
    }

    private View find(int id) {
        return activity.findViewById(id);
    }

    private Spinner spinner() {
        return (Spinner) find(R.id.group);
    }

    private MaskView view(Side side) {
        return (MaskView) find(side == Side.INPUT ? R.id.photo_view : R.id.exemplar_view);
    }

    private void listen(final Side side) {
        view(side).listen(new MaskView.Listener() {
            @Override
            public void painted(MaskView.Brush brush, float[] points) {
                int group = Math.max(0, spinner().getSelectedItemPosition());
                session.paint(side, new Stroke(group, brush.erase, brush.radius, brush.hardness, points));
            }
        });
    }

    /** Called again after the views have got back what they saved. */
    void brush() {
        float size = ((SeekBar) find(R.id.brush_size)).getProgress() / 100f;
        MaskView.Brush brush = new MaskView.Brush(((CheckBox) find(R.id.erase)).isChecked(),
                SMALLEST + (LARGEST - SMALLEST) * size, ((CheckBox) find(R.id.soft)).isChecked() ? SOFT : 1f);
        view(Side.INPUT).use(brush);
        view(Side.EXEMPLAR).use(brush);
    }

    @Override
    public void changed() {
        groups();
        show(Side.INPUT);
        show(Side.EXEMPLAR);
        swatches.show(session.model != null && session.model.colours, session.state.uri(Side.EXEMPLAR));
        ((CompareView) find(R.id.compare_view)).show(session.bitmaps.before, session.bitmaps.after);
        DemoState state = session.state;
        DemoState.Phase phase = state.phase();
        boolean busy = phase == DemoState.Phase.TRANSLATING;
        boolean done = phase == DemoState.Phase.DONE;
        find(R.id.progress).setVisibility(busy ? View.VISIBLE : View.INVISIBLE);
        find(R.id.cancel).setEnabled(busy);
        find(R.id.translate).setEnabled(!busy && phase != DemoState.Phase.PICKING);
        find(R.id.undo).setEnabled(session.history.canStep(true));
        find(R.id.redo).setEnabled(session.history.canStep(false));
        find(R.id.save).setEnabled(done);
        find(R.id.share).setEnabled(done);
        switch (phase) {
            case PICKING: say(R.string.picking); break;
            case READY: say(R.string.ready); break;
            case TRANSLATING: say(R.string.translating); break;
            case DONE: say(activity.getString(R.string.done, (int) state.milliseconds())); break;
            default: say(message(state.error())); break;
        }
        note();
        about();
    }

    private void show(Side side) {
        Bitmaps.SidePicture picture = session.bitmaps.of(side);
        Planes masks = picture.masks;
        int group = Math.max(0, spinner().getSelectedItemPosition());
        view(side).show(picture.bitmap, masks, masks == null ? 0 : Math.min(group, masks.channels - 1));
    }

    /** The groups that the model has, to paint and to choose; once they are known. */
    private void groups() {
        LinearLayout row = (LinearLayout) find(R.id.groups);
        if (session.model == null || row.getChildCount() > 0) {
            return;
        }
        List<String> names = new ArrayList<String>();
        for (int g = 0; g < session.model.groups.size(); g++) {
            final int group = g;
            names.add(name(session.model.groups.get(g)));
            CheckBox box = new CheckBox(activity);
            box.setText(names.get(g));
            box.setContentDescription(activity.getString(R.string.transfer_group, names.get(g)));
            box.setMinHeight(Math.round(48 * activity.getResources().getDisplayMetrics().density));
            box.setChecked(session.state.chosen(g));
            box.setSaveEnabled(false); // the state is its memory
            box.setOnCheckedChangeListener(new CompoundButton.OnCheckedChangeListener() {
                @Override
                public void onCheckedChanged(CompoundButton button, boolean checked) {
                    session.choose(group, checked);
                }
            });
            row.addView(box);
        }
        int chosen = Math.max(0, MainActivity.groupOf(activity));
        ArrayAdapter<String> adapter =
                new ArrayAdapter<String>(activity, android.R.layout.simple_spinner_item, names);
        adapter.setDropDownViewResource(android.R.layout.simple_spinner_dropdown_item);
        spinner().setAdapter(adapter);
        spinner().setSelection(Math.min(chosen, names.size() - 1));
    }

    private String name(String group) {
        int id = activity.getResources().getIdentifier("group_" + group, "string", activity.getPackageName());
        return id == 0 ? group : activity.getString(id);
    }

    /** Which part of the photograph is used, where that may surprise; and that an exemplar has no face. */
    private void note() {
        Framing.Note note = session.bitmaps.of(Side.INPUT).note;
        int text = note == Framing.Note.NO_FACE ? R.string.note_no_face
                : note == Framing.Note.FACE_TOO_SMALL ? R.string.note_face_too_small
                : note == Framing.Note.SEVERAL_FACES ? R.string.note_several_faces
                : session.bitmaps.of(Side.EXEMPLAR).note == Framing.Note.NO_FACE ? R.string.note_no_face_exemplar : 0;
        TextView view = (TextView) find(R.id.note);
        view.setText(text == 0 ? "" : activity.getString(text));
        view.setVisibility(text == 0 ? View.GONE : View.VISIBLE);
    }

    /** What the model knows, and what its weights may be used for: a text for each data set. */
    private void about() {
        String name = "about_" + session.dataset;
        int text = activity.getResources().getIdentifier(name, "string", activity.getPackageName());
        TextView view = (TextView) find(R.id.about);
        view.setText(text == 0 ? "" : activity.getString(text));
        view.setVisibility(text == 0 ? View.GONE : View.VISIBLE);
    }

    private String message(DemoException.Kind kind) {
        switch (kind) {
            case PICTURE_TOO_LARGE: return activity.getString(R.string.error_too_large, Pictures.MAX_MEGAPIXELS);
            case OUT_OF_MEMORY: return activity.getString(R.string.error_memory);
            case MODEL_UNUSABLE: return activity.getString(R.string.error_model);
            case NOT_SAVED: return activity.getString(R.string.error_not_saved);
            case PICTURE_UNREADABLE: return activity.getString(R.string.error_unreadable);
            default: return activity.getString(R.string.error_unexpected);
        }
    }

    @Override
    public void say(int text) {
        say(activity.getString(text));
    }

    private void say(String text) {
        TextView status = (TextView) find(R.id.status);
        if (!text.contentEquals(status.getText())) { // else a screen reader would say it again
            status.setText(text);
        }
    }
}
