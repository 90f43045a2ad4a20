"""XLA's settings for tests on JAX, most of whose time is compiling."""

# Compiled quickly rather than well. Fusion emitters make a module of each fused operation, and hundreds of modules take
# twice the time of one.
QUICK = (
    "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true --xla_cpu_use_fusion_emitters=false"
)
