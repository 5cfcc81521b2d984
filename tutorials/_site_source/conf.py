"""How Sphinx builds the site; build.py lays out the pages that this file finds around it."""

import tinydl

project = "tinydl"
author = "the tinydl authors"
release = version = tinydl.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "myst_nb",
    "sphinxcontrib.katex",
    "sphinx_copybutton",
]
exclude_patterns = ["conf.py", "_lesson.py", "downloads", "static"]  # .py is the suffix of a page here

html_theme = "furo"
html_title = "tinydl"
html_static_path = ["static", "vendor"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
katex_css_path = "katex/katex.min.css"  # of the version of KaTeX that sphinxcontrib-katex brings: they must agree
katex_options = "macros: {}, strict: 'error', throwOnError: false"

myst_enable_extensions = ["dollarmath", "amsmath"]
myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
nb_execution_mode = "force"  # "cache" wouldn't notice that tinydl has changed
nb_execution_timeout = 120
nb_execution_show_tb = True  # with -W, a lesson that fails ends the build with its traceback;
nb_execution_raise_on_error = False  # True would hide the traceback in a file
nb_merge_streams = True
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_default_options = {"members": True, "show-inheritance": False}
python_maximum_signature_line_length = 88
