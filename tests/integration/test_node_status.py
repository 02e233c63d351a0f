"""`nomad node status <node>`: what is promised, and what is in use."""
JOB = '''
job "w" {
  group "g" {
    count = 2
    task "t" {
      driver = "raw_exec"
      config {
        command = "/bin/sleep"
        args    = ["3600"]
      }
      resources {
        cpu    = 20
        memory = 16
      }
    }
  }
}
'''


def below(text, title):
    """The words of the first row of the table under a title."""
    lines = text.split("\n")
    return lines[lines.index(title) + 2].split()


def test_a_node_shows_its_resources_as_far_as_it_is_asked(box, nomad):
    box.write("w.hcl", JOB)
    box.run("nomad", "job", "run", "w.hcl").ok()
    text = box.run("nomad", "node", "status", "-self").ok().out
    promised = below(text, "Allocated Resources")
    assert promised[0].startswith("40/") and promised[2:4] == ["32", "MiB/" + promised[3].split("/")[1]]
    assert "Allocation Resource Utilization" in text and "Host Resource Utilization" in text
    assert "CPU Stats" not in text
    text = box.run("nomad", "node", "status", "-self", "-stats").ok().out
    assert "\nCPU Stats\nCPU    = " in text and "\nDisk Stats\nDevice " in text
    assert "Resources" not in box.run("nomad", "node", "status", "-self", "-short").ok().out
    box.run("nomad", "job", "stop", "w").ok()
    nomad.wait(lambda: below(box.run("nomad", "node", "status", "-self").ok().out,
                             "Allocated Resources")[0].startswith("0/"), "what is stopped is promised no more")
