"""The pipeline that lecta grew from, written anew with its libraries, to be measured against."""
