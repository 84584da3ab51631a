"""What the image is made of: its bill of materials (`sbom`) and the licence texts of others' work in it (`licences`)."""
