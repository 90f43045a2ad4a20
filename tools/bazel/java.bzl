"""Java libraries and JUnit tests with the machine's own javac: Bazel's java_library downloads its compiler."""

load("@android_tools//:tools.bzl", "ENJARIFY", "JAR", "JAVA", "JAVAC", "UNZIP")

JarInfo = provider("A jar and the jars that it needs.", fields = {"jar": "its own", "all": "depset of it and its needs"})

def compile(ctx, jar, srcs, classpath):
    """Registers the action that makes a jar of Java 8 classes from sources."""
    args = ctx.actions.args()
    args.add_all(["--release", "8", "-encoding", "UTF-8", "-Xlint:all,-options,-classfile,-processing", "-Werror", "-g"])
    args.add("-proc:none")
    args.add_joined("-classpath", classpath, join_with = ":", omit_if_empty = True)
    args.add_all(srcs)
    args.use_param_file("@%s", use_always = True)
    args.set_param_file_format("multiline")
    ctx.actions.run_shell(
        inputs = depset(srcs, transitive = [classpath]),
        outputs = [jar],
        arguments = [args],
        command = "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; %s -d $d \"$@\"; " % JAVAC +
                  "find $d -exec touch -t 198001020000 {} +; %s -c -f %s -M -C $d ." % (JAR, jar.path),
        mnemonic = "LomitJavac",
    )

def _library_impl(ctx):
    jar = ctx.actions.declare_file(ctx.label.name + ".jar")
    needs = depset(ctx.files.jars, transitive = [dep[JarInfo].all for dep in ctx.attr.deps])
    compile(ctx, jar, ctx.files.srcs, needs)
    return [DefaultInfo(files = depset([jar])), JarInfo(jar = jar, all = depset([jar], transitive = [needs]))]

jvm_library = rule(
    implementation = _library_impl,
    attrs = {
        "srcs": attr.label_list(allow_files = [".java"]),
        "jars": attr.label_list(allow_files = [".jar"]),
        "deps": attr.label_list(providers = [JarInfo]),
    },
    doc = "A jar of Java 8 classes.",
)

def _dex_impl(ctx):
    jar = ctx.actions.declare_file(ctx.label.name + ".jar")
    ctx.actions.run_shell(
        inputs = [ctx.file.apk],
        outputs = [jar],
        command = "set -e; d=$(mktemp -d); trap 'rm -rf $d' EXIT; %s -q %s 'classes*.dex' -d $d; " % (UNZIP, ctx.file.apk.path) +
                  "for f in $d/*.dex; do PATH=/usr/bin:/bin HOME=$d %s -f -o $f.jar $f >&2; (cd $d && %s -x -f $f.jar); done; " % (ENJARIFY, JAR) +
                  "%s -c -f %s -M -C $d %s" % (JAR, jar.path, ctx.attr.package),
        mnemonic = "LomitEnjarify",
        use_default_shell_env = True,
    )
    return [DefaultInfo(files = depset([jar])), JarInfo(jar = jar, all = depset([jar]))]

classes_of_dex = rule(
    implementation = _dex_impl,
    attrs = {
        "apk": attr.label(allow_single_file = [".apk"], mandatory = True),
        "package": attr.string(mandatory = True, doc = "the folder of classes to take, such as a/b"),
    },
    doc = "Classes of an APK's DEX files, turned back to a jar by enjarify.",
)

def _test_impl(ctx):
    jar = ctx.actions.declare_file(ctx.label.name + ".jar")
    classpath = depset(ctx.files._junit + ctx.files.jars, transitive = [dep[JarInfo].all for dep in ctx.attr.deps])
    compile_only = [dep[JarInfo].all for dep in ctx.attr.compile_deps]
    compile(ctx, jar, ctx.files.srcs, depset(ctx.files.framework, order = "preorder", transitive = compile_only + [classpath]))
    jars = [jar] + classpath.to_list() + ctx.files.framework
    data = ctx.files.data
    properties = ["-D%s=%s" % (name, target.files.to_list()[0].short_path) for target, name in ctx.attr.properties.items()]
    classes = [f.path.split("/javatests/")[1][:-5].replace("/", ".") for f in ctx.files.srcs if f.basename.endswith("Test.java")]
    script = ctx.actions.declare_file(ctx.label.name + ".sh")
    ctx.actions.write(script, "#!/bin/bash\nexec %s %s -Dlomit.outputs=\"${TEST_UNDECLARED_OUTPUTS_DIR:-/tmp}\" -Djava.awt.headless=true -Dlomit.testdata=%s -cp %s org.junit.runner.JUnitCore %s\n" % (
        JAVA,
        " ".join(ctx.attr.jvm_flags + properties),
        data[0].dirname if data else ".",
        ":".join([f.short_path for f in jars] + ctx.attr.classpath),
        " ".join(classes),
    ), is_executable = True)
    return [DefaultInfo(executable = script, runfiles = ctx.runfiles(files = jars + data + ctx.files.properties + ctx.files.resources))]

junit_test = rule(
    implementation = _test_impl,
    test = True,
    attrs = {
        "srcs": attr.label_list(allow_files = [".java"]),
        "deps": attr.label_list(providers = [JarInfo]),
        "jars": attr.label_list(allow_files = [".jar"]),
        "compile_deps": attr.label_list(providers = [JarInfo], doc = "in the place of deps for javac, not for the test"),
        "classpath": attr.string_list(doc = "folders that hold resources"),
        "framework": attr.label_list(allow_files = [".jar"], doc = "last on the classpath"),
        "jvm_flags": attr.string_list(),
        "properties": attr.label_keyed_string_dict(allow_files = True, doc = "file: the property that gets its path"),
        "resources": attr.label_list(allow_files = True, doc = "files that jvm_flags name"),
        "data": attr.label_list(allow_files = True, doc = "files of one folder, named by the property lomit.testdata"),
        "_junit": attr.label_list(
            default = ["@android_tools//:junit-4.13.2.jar", "@android_tools//:hamcrest-core-1.3.jar"],
            allow_files = True,
        ),
    },
    doc = "Runs every source named *Test.java with JUnit 4.",
)
