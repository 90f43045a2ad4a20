"""The settings of a run as version 0.1.0 saved them."""

from __future__ import annotations

# What version 0.1.0 wrote into config.json for celeba_small.cfg, with tests' sizes.
OLD = {
    "dataset": "drawn_faces", "data_dir": "", "labels_file": "", "attributes": ["Black_Hair", "Smiling"],
    "labelled_only": True, "groups": "", "image_size": 64, "crop": 0, "flip": True, "pairing": "differing", "match": [],
    "train_images": 24, "cache": True, "max_corrupt": 0.01, "base_channels": 4, "residual_blocks": 1, "edge_kernel": 3,
    "upsample_kernel": 3, "style_dim": 8, "style_downsamples": 2, "style_normalised": True, "style_pool": 2,
    "mlp_width": 16, "group_mlps": "shared", "mask_upsamples": 1, "mask_skips": True, "mask_filter": 6,
    "mask_logit_limit": 0.0, "hadain": "once", "skips": True, "output": "composite", "style_margin": 6,
    "masks": "decoupled", "critic_channels": 4, "critic_layers": 3, "critic_condition": "heads",
    "adversarial_weight": 1.0, "gradient_penalty_weight": 10.0, "classification_weight": 1.0,
    "critic_classification_weight": 1.0, "reconstruction_weight": 50.0, "reconstruction_outside": 0.2,
    "cycle_weight": 25.0, "content_weight": 1.0, "style_foreground_weight": 1.0, "style_background_weight": 1.0,
    "background_weight": 0.0, "detach_style_targets": True, "r1_weight": 12.0, "r1_features": "colour",
    "r1_cut_negative": True, "r1_start": 5000, "r1_end": 7000, "edge_weight": 5.0, "edge_scale": 0.2, "r2_weight": 4.0,
    "r2_change": 1.0, "r2_schedule": "anneal", "r2_start": 4500, "r2_end": 5500, "r2_final_weight": 3.0,
    "area_min": 0.05, "area_max": 0.35, "mask_classification_weight": 1.0, "mask_critic_weight": 0.2,
    "mask_cycle_weight": 15.0, "mask_gate": "success", "mask_start": 200, "mask_end": 600, "steps": 6500,
    "batch_size": 4, "n_critic": 2, "learning_rate": 0.0002, "beta1": 0.5, "beta2": 0.999, "decay_start": 6000,
    "decay_every": 350, "ema_decay": 0.999, "precision": "float32", "jit": "off", "strategy": "one_device", "seed": 0,
    "deterministic": False, "checkpoint_every": 100, "keep_checkpoints": 10, "log_every": 50, "sample_every": 0,
    "sample_count": 2, "mask_patience": 500,
}  # fmt: skip
