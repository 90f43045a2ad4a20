package lomit.demo;

import android.app.Activity;
import android.app.AlertDialog;
import android.content.ActivityNotFoundException;
import android.content.DialogInterface;
import android.content.Intent;
import android.graphics.Bitmap;
import android.net.Uri;
import android.os.Bundle;
import android.provider.MediaStore;
import android.view.View;
import android.widget.AdapterView;
import android.widget.ArrayAdapter;
import android.widget.CheckBox;
import android.widget.SeekBar;
import android.widget.Spinner;
import android.widget.TextView;
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import lomit.demo.core.DemoException;
import lomit.demo.core.DemoState;
import lomit.demo.core.MaskEdits;
import lomit.demo.core.Picture;
import lomit.demo.core.Planes;
import lomit.demo.core.Preprocess;
import lomit.demo.core.Stroke;
import lomit.demo.core.Translator;

/** The only screen: shows a DemoState, and starts Work. */
public final class MainActivity extends Activity implements View.OnClickListener {
    private static final int PICK_PHOTO = 1;
    private static final int TAKE_PHOTO = 2;
    private static final int PICK_EXEMPLAR = 3;
    private static final int SAVE = 4;
    private static final int BUNDLED = 3;
    private static final String STATE = "state";
    private static final String CAMERA = "camera";

    private DemoState state;
    private Work work;
    private String camera = "";
    private MaskEdits lastEdited;

    @Override
    protected void onCreate(Bundle saved) {
        super.onCreate(saved);
        setContentView(R.layout.main);
        work = Work.of(this);
        state = DemoState.restore(saved == null ? null : saved.getByteArray(STATE));
        camera = saved == null ? "" : saved.getString(CAMERA, "");
        int[] buttons = {R.id.pick_photo, R.id.take_photo, R.id.pick_exemplar, R.id.undo, R.id.redo, R.id.translate,
            R.id.cancel, R.id.save, R.id.share};
        for (int id : buttons) {
            findViewById(id).setOnClickListener(this);
        }
        ((Spinner) findViewById(R.id.group)).setOnItemSelectedListener(new AdapterView.OnItemSelectedListener() {
            @Override
            public void onItemSelected(AdapterView<?> spinner, View view, int position, long id) {
                showMasks(true);
                showMasks(false);
            }

            @Override
            public void onNothingSelected(AdapterView<?> spinner) {}
        });
        listen(R.id.photo_view, true);
        listen(R.id.exemplar_view, false);
        showMasks(true);
        showMasks(false);
        showResult();
        refresh();
    }

    @Override
    protected void onSaveInstanceState(Bundle out) {
        super.onSaveInstanceState(out);
        out.putByteArray(STATE, state.snapshot());
        out.putString(CAMERA, camera);
    }

    private void listen(int id, final boolean input) {
        ((MaskView) findViewById(id)).listen(new MaskView.Listener() {
            @Override
            public void painted(float[] points) {
                int group = Math.max(0, ((Spinner) findViewById(R.id.group)).getSelectedItemPosition());
                boolean erase = ((CheckBox) findViewById(R.id.erase)).isChecked();
                float radius = 0.01f + 0.15f * ((SeekBar) findViewById(R.id.brush_size)).getProgress() / 100f;
                lastEdited = input ? state.inputEdits() : state.exemplarEdits();
                lastEdited.add(new Stroke(group, erase, radius, 0.6f, points));
                edited();
            }
        });
    }

    private void edited() {
        state.changed();
        showMasks(true);
        showMasks(false);
        showResult();
        refresh();
    }

    @Override
    public void onClick(View view) {
        int id = view.getId();
        if (id == R.id.pick_photo) {
            open(PICK_PHOTO);
        } else if (id == R.id.take_photo) {
            takePhoto();
        } else if (id == R.id.pick_exemplar) {
            pickExemplar();
        } else if (id == R.id.undo || id == R.id.redo) {
            MaskEdits edits = lastEdited == state.exemplarEdits() ? lastEdited : state.inputEdits();
            if (id == R.id.undo) {
                edits.undo();
            } else {
                edits.redo();
            }
            edited();
        } else if (id == R.id.translate) {
            translate();
        } else if (id == R.id.cancel) {
            state.cancel();
            refresh();
        } else if (id == R.id.save) {
            startActivityForResult(new Intent(Intent.ACTION_CREATE_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                    .setType("image/png").putExtra(Intent.EXTRA_TITLE, "lomit.png"), SAVE);
        } else if (id == R.id.share) {
            Uri uri = Uri.parse(state.result());
            startActivity(Intent.createChooser(new Intent(Intent.ACTION_SEND).setType("image/png")
                    .putExtra(Intent.EXTRA_STREAM, uri).addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION), null));
        }
    }

    private void open(int request) {
        startActivityForResult(new Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE)
                .setType("image/*"), request);
    }

    private void takePhoto() {
        File file = new File(Pictures.folder(this), "photo-" + System.currentTimeMillis() + ".jpg");
        camera = Pictures.shared(file).toString();
        Intent intent = new Intent(MediaStore.ACTION_IMAGE_CAPTURE)
                .putExtra(MediaStore.EXTRA_OUTPUT, Uri.parse(camera))
                .addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION | Intent.FLAG_GRANT_READ_URI_PERMISSION);
        try {
            startActivityForResult(intent, TAKE_PHOTO);
        } catch (ActivityNotFoundException e) {
            status(getString(R.string.no_camera));
        }
    }

    private void pickExemplar() {
        String[] names = new String[BUNDLED + 1];
        for (int i = 0; i < BUNDLED; i++) {
            names[i] = getString(R.string.bundled, i + 1);
        }
        names[BUNDLED] = getString(R.string.from_gallery);
        new AlertDialog.Builder(this).setItems(names, new DialogInterface.OnClickListener() {
            @Override
            public void onClick(DialogInterface dialog, int which) {
                if (which == BUNDLED) {
                    open(PICK_EXEMPLAR);
                } else {
                    state.pickExemplar(Pictures.ofAsset("exemplar_" + (which + 1) + ".png"));
                    edited();
                }
            }
        }).show();
    }

    @Override
    protected void onActivityResult(int request, int result, Intent data) {
        if (result != RESULT_OK) {
            return;
        }
        if (request == TAKE_PHOTO) {
            state.pickInput(camera);
        } else if (data == null || data.getData() == null) {
            return;
        } else if (request == SAVE) {
            save(data.getData());
            return;
        } else {
            try { // so that it can be read after the process has died
                getContentResolver().takePersistableUriPermission(data.getData(), Intent.FLAG_GRANT_READ_URI_PERMISSION);
            } catch (SecurityException notOffered) {
                status("");
            }
            if (request == PICK_PHOTO) {
                state.pickInput(data.getData().toString());
            } else {
                state.pickExemplar(data.getData().toString());
            }
        }
        edited();
    }

    /** What a task shows when it fails outside of a translation. */
    private abstract class Shown<T> implements Work.Task<T> {
        @Override
        public void failed(DemoException.Kind kind) {
            state.error(kind);
            refresh();
        }
    }

    private void showMasks(final boolean input) {
        final String uri = input ? state.input() : state.exemplar();
        final String other = input ? state.exemplar() : state.input();
        final MaskView view = findViewById(input ? R.id.photo_view : R.id.exemplar_view);
        if (uri.isEmpty()) {
            return;
        }
        final MaskEdits edits = DemoState.restore(state.snapshot()).edits(input); // a copy for the other thread
        final int chosen = Math.max(0, ((Spinner) findViewById(R.id.group)).getSelectedItemPosition());
        work.start(new Shown<Planes>() {
            private Bitmap shown;
            private String[] groups;

            @Override
            public Planes compute() throws DemoException {
                Translator.Seen seen = work.see(uri, other);
                groups = work.translator().model.groups.toArray(new String[0]);
                shown = Pictures.bitmap(Preprocess.resize(seen.picture, seen.window, 512));
                return edits.drawnOn(seen.masks).channel(Math.min(chosen, groups.length - 1));
            }

            @Override
            public void done(Planes mask) {
                view.show(shown, mask);
                Spinner spinner = findViewById(R.id.group);
                if (spinner.getAdapter() == null) {
                    spinner.setAdapter(new ArrayAdapter<String>(MainActivity.this,
                            android.R.layout.simple_spinner_dropdown_item, groups));
                }
            }
        });
    }

    private void translate() {
        final int run = state.start();
        refresh();
        if (run < 0) {
            return;
        }
        final DemoState copy = DemoState.restore(state.snapshot());
        work.start(new Work.Task<String>() {
            private long took;

            @Override
            public String compute() throws DemoException, IOException {
                long start = System.nanoTime();
                Translator.Seen input = work.see(copy.input(), copy.exemplar());
                Translator.Seen exemplar = work.see(copy.exemplar(), copy.input());
                Picture made = work.translator().translate(input, copy.inputEdits(), exemplar, copy.exemplarEdits());
                took = (System.nanoTime() - start) / 1000000;
                String name = "result-" + System.currentTimeMillis() + ".png";
                return Pictures.shared(Pictures.write(MainActivity.this, made, name)).toString();
            }

            @Override
            public void done(String uri) {
                state.finish(run, uri, took);
                showResult();
                refresh();
            }

            @Override
            public void failed(DemoException.Kind kind) {
                state.fail(run, kind);
                refresh();
            }
        });
    }

    private void showResult() {
        final CompareView view = findViewById(R.id.compare_view);
        final String uri = state.result();
        if (uri.isEmpty()) {
            view.show(null, null);
            return;
        }
        final String before = state.input();
        work.start(new Shown<Bitmap>() {
            private Bitmap old;

            @Override
            public Bitmap compute() throws DemoException {
                old = Pictures.bitmap(Pictures.read(MainActivity.this, before));
                return Pictures.bitmap(Pictures.read(MainActivity.this, uri));
            }

            @Override
            public void done(Bitmap made) {
                if (uri.equals(state.result())) {
                    view.show(old, made);
                }
            }
        });
    }

    private void save(final Uri target) {
        final Uri result = Uri.parse(state.result());
        work.start(new Shown<Boolean>() {
            @Override
            public Boolean compute() throws IOException {
                File file = new File(Pictures.folder(MainActivity.this), String.valueOf(result.getLastPathSegment()));
                try (InputStream in = new FileInputStream(file);
                        OutputStream out = getContentResolver().openOutputStream(target)) {
                    byte[] buffer = new byte[65536];
                    for (int n = in.read(buffer); n > 0; n = in.read(buffer)) {
                        out.write(buffer, 0, n);
                    }
                }
                return true;
            }

            @Override
            public void done(Boolean saved) {
                status(getString(R.string.saved));
            }
        });
    }

    private void refresh() {
        DemoState.Phase phase = state.phase();
        boolean busy = phase == DemoState.Phase.TRANSLATING;
        boolean done = phase == DemoState.Phase.DONE;
        findViewById(R.id.progress).setVisibility(busy ? View.VISIBLE : View.INVISIBLE);
        findViewById(R.id.cancel).setEnabled(busy);
        findViewById(R.id.translate).setEnabled(!busy && phase != DemoState.Phase.PICKING);
        findViewById(R.id.save).setEnabled(done);
        findViewById(R.id.share).setEnabled(done);
        switch (phase) {
            case PICKING: status(getString(R.string.picking)); break;
            case READY: status(getString(R.string.ready)); break;
            case TRANSLATING: status(getString(R.string.translating)); break;
            case DONE: status(getString(R.string.done, (int) state.milliseconds())); break;
            default: status(message(state.error())); break;
        }
    }

    private String message(DemoException.Kind kind) {
        switch (kind) {
            case NO_FACE: return getString(R.string.error_no_face);
            case PICTURE_TOO_LARGE: return getString(R.string.error_too_large, Pictures.MAX_MEGAPIXELS);
            case OUT_OF_MEMORY: return getString(R.string.error_memory);
            case MODEL_UNUSABLE: return getString(R.string.error_model);
            default: return getString(R.string.error_unreadable);
        }
    }

    private void status(String text) {
        ((TextView) findViewById(R.id.status)).setText(text);
    }
}
