"""A signed debug APK from sources, resources, assets and native libraries."""

load("@android_tools//:tools.bzl", "AAPT2", "APKSIGNER", "DEXER", "JAR", "JAVA", "JAVAC", "ZIP", "ZIPALIGN")
load("//tools/bazel:java.bzl", "JarInfo")

_SCRIPT = """set -euo pipefail
root=$PWD; d=$(mktemp -d); trap 'rm -rf "$d"' EXIT
mkdir -p "$d/gen" "$d/classes" "$d/out"
{place}
{aapt2} compile --dir {res} -o "$d/res.zip"
{aapt2} link -I {framework} --manifest {manifest} -A "$d/assets" --java "$d/gen" -0 .tflite -o "$d/base.apk" "$d/res.zip"
{javac} --release 8 -encoding UTF-8 -Xlint:-options -g -nowarn \\
    -classpath {framework}:{classpath} -d "$d/classes" $(find "$d/gen" -name '*.java') {srcs}
find "$d/classes" -exec touch -t 198001020000 {{}} +
(cd "$d/classes" && {jar} -c -f "$d/app.jar" -M .)
cp "$d/app.jar" {app_jar}
if [ {dexer} = d8 ]; then
    {java} -cp {dexer_jar} com.android.tools.r8.D8 --debug --min-api 24 --lib {framework} --output "$d/out" "$d/app.jar" {jars}
else
    {java} -cp {dexer_jar} {dx_main} --dex --min-sdk-version=24 --output="$d/out/classes.dex" "$d/app.jar" {jars}
fi
find "$d/out" -exec touch -t 198001020000 {{}} +
(cd "$d/out" && {zip} -q -X "$d/base.apk" classes*.dex && {zip} -q -X -0 -r "$d/base.apk" lib)
{zipalign} -f -p 4 "$d/base.apk" "$d/aligned.apk"
{apksigner} sign --ks {keystore} --ks-pass pass:android --out {apk} "$d/aligned.apk"
rm -f {apk}.idsig
"""

def _impl(ctx):
    apk = ctx.actions.declare_file(ctx.label.name + ".apk")
    app_jar = ctx.actions.declare_file(ctx.label.name + "_classes.jar")
    place = ["mkdir -p $d/assets/licences"]
    place += ["cp -L %s $d/assets/" % f.path for f in ctx.files.assets]
    for target, name in ctx.attr.licences.items():
        place.append("cp -L %s $d/assets/licences/%s" % (target.files.to_list()[0].path, name))
    for library in ctx.files.libraries:
        abi = library.dirname.split("/")[-1]
        if abi in ctx.attr.abis:
            place.append("mkdir -p $d/out/lib/{0} && cp -L {1} $d/out/lib/{0}/".format(abi, library.path))
    jars = depset(ctx.files.jars, transitive = [dep[JarInfo].all for dep in ctx.attr.deps])
    paths = [jar.path for jar in jars.to_list()]
    framework, dexer, keystore = ctx.file._framework, ctx.file._dexer, ctx.file._keystore
    manifest = ctx.file.manifest
    ctx.actions.run_shell(
        inputs = depset(
            ctx.files.srcs + ctx.files.resources + ctx.files.assets + ctx.files.libraries + ctx.files.licences +
            [manifest, framework, dexer, keystore],
            transitive = [jars],
        ),
        outputs = [apk, app_jar],
        command = _SCRIPT.format(
            place = "\n".join(place), aapt2 = AAPT2, javac = JAVAC, jar = JAR, java = JAVA, zip = ZIP,
            zipalign = ZIPALIGN, apksigner = APKSIGNER, dexer = DEXER, dexer_jar = dexer.path, dx_main = ctx.attr.dx_main,
            res = manifest.dirname + "/res", framework = framework.path, manifest = manifest.path,
            classpath = ":".join(paths), jars = " ".join(paths), srcs = " ".join([f.path for f in ctx.files.srcs]),
            keystore = keystore.path, apk = apk.path, app_jar = app_jar.path,
        ),
        mnemonic = "LomitApk",
        use_default_shell_env = True,
    )
    return [
        DefaultInfo(files = depset([apk])),
        JarInfo(jar = app_jar, all = depset([app_jar], transitive = [jars])),  # for tests on a JVM
    ]

debug_apk = rule(
    implementation = _impl,
    attrs = {
        "manifest": attr.label(allow_single_file = [".xml"], mandatory = True, doc = "beside it lies the folder res"),
        "srcs": attr.label_list(allow_files = [".java"]),
        "resources": attr.label_list(allow_files = True),
        "assets": attr.label_list(allow_files = True),
        "licences": attr.label_keyed_string_dict(allow_files = True, doc = "file: its name in assets/licences"),
        "jars": attr.label_list(allow_files = [".jar"]),
        "deps": attr.label_list(providers = [JarInfo]),
        "libraries": attr.label_list(allow_files = [".so"], doc = "each in a folder named as its ABI"),
        "abis": attr.string_list(default = ["arm64-v8a", "x86_64"]),
        "dx_main": attr.string(default = "com.android.dx.command.Main"),
        "_framework": attr.label(default = "@android_tools//:framework.jar", allow_single_file = True),
        "_dexer": attr.label(default = "@android_tools//:dexer.jar", allow_single_file = True),
        "_keystore": attr.label(default = "@android_tools//:debug.keystore", allow_single_file = True),
    },
    doc = "An APK for API 24 and up, signed with this machine's own debug key.",
)
