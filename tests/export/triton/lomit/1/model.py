"""Triton's Python backend around an exported SavedModel: signature `translate`, requests joined into one batch."""

import json

import numpy as np
import tensorflow as tf
import triton_python_backend_utils as pb_utils


class TritonPythonModel:
    """What the backend calls."""

    def initialize(self, args):
        """Load the SavedModel that the configuration names."""
        config = json.loads(args["model_config"])
        self.model = tf.saved_model.load(config["parameters"]["saved_model"]["string_value"])
        self.translate = self.model.signatures["translate"]
        self.names = list(self.translate.structured_input_signature[1])
        self.outputs = [output["name"] for output in config["output"]]

    def execute(self, requests):
        """One response for each request."""
        given = [
            {name: pb_utils.get_input_tensor_by_name(request, name).as_numpy() for name in self.names}
            for request in requests
        ]
        joined = {name: tf.constant(np.concatenate([one[name] for one in given])) for name in self.names}
        found = {name: value.numpy() for name, value in self.translate(**joined).items()}
        responses, start = [], 0
        for one in given:
            end = start + len(one["image"])
            parts = [pb_utils.Tensor(name, found[name][start:end]) for name in self.outputs]
            responses.append(pb_utils.InferenceResponse(output_tensors=parts))
            start = end
        return responses
