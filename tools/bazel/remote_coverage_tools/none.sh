#!/bin/sh
echo "no coverage tool in this build; see WORKSPACE" >&2
exit 1
