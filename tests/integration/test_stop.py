"""An orderly stop is no trouble: nothing of it is a warning, and a running task runs on."""
import os
import pathlib

import pytest

JOB = """
job "still" {
  group "g" {
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["600"]
      }
    }
  }
}
"""


@pytest.mark.parametrize("kind", ["nomad agent", "serai agent"])
def test_an_orderly_stop_warns_of_nothing(box, kind):
    agent = box.nomad() if kind == "nomad agent" else box.serai_agent()
    job = agent.put("/v1/jobs/parse", {"JobHCL": JOB})
    agent.put("/v1/jobs", {"Job": job})
    agent.wait(lambda: agent.get("/v1/job/still/allocations")[0]["ClientStatus"] == "running", "the task to run")
    task = next(p for p in pathlib.Path("/proc").glob("[0-9]*/cmdline") if str(box.dir) in environment(p)
                and p.read_bytes().startswith(b"/bin/sleep"))
    agent.stop()
    said = agent.log.split("shutdown triggered")[-1]
    assert "[WARN]" not in said and "[ERROR]" not in said, said
    assert task.exists()


def environment(cmdline):
    try:
        return os.fsdecode((cmdline.parent / "environ").read_bytes())
    except OSError:
        return ""
